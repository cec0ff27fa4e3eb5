"""Parameters of the export stage, documented in params.yaml."""

from runtime.parameters import StageParameters
from stages.shared.parameters import Dataset, Mean, Std


class Parameters(StageParameters):
    """The keys of params.yaml that export reads."""

    dataset: Dataset
    mean: Mean
    std: Std
