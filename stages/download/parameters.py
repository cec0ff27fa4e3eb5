"""Parameters of the download stage, documented in params.yaml."""

from typing import Literal

from pydantic import Field

from runtime.parameters import StageParameters

DatasetName = Literal["mnist", "fashion_mnist", "kmnist", "digits"]

TRAINING_IMAGES: dict[DatasetName, int] = {"mnist": 60_000, "fashion_mnist": 60_000, "kmnist": 60_000, "digits": 1_500}


class Parameters(StageParameters):
    """The key of params.yaml that download reads."""

    dataset: DatasetName = Field(description="mnist, fashion_mnist, kmnist or digits")
