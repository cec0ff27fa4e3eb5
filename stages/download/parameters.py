"""Parameters of the download stage, documented in params.yaml."""

from runtime.parameters import StageParameters
from stages.shared.parameters import Dataset, DatasetName

TRAINING_IMAGES: dict[DatasetName, int] = {"mnist": 60_000, "fashion_mnist": 60_000, "kmnist": 60_000, "digits": 1_500}


class Parameters(StageParameters):
    """The key of params.yaml that download reads."""

    dataset: Dataset
