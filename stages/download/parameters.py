"""The parameters of the download stage. Their meaning stands in params.yaml, beside their values."""

from typing import Literal

from pydantic import Field

from stages.shared.parameters import StageParameters

DatasetName = Literal["mnist", "fashion_mnist", "kmnist", "digits"]

TRAINING_IMAGES: dict[DatasetName, int] = {"mnist": 60_000, "fashion_mnist": 60_000, "kmnist": 60_000, "digits": 1_500}


class Parameters(StageParameters):
    """What the download is told."""

    dataset: DatasetName = Field(description="mnist, fashion_mnist, kmnist or digits")
