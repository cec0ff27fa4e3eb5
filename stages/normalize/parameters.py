"""Parameters of the normalize stage, documented in params.yaml."""

from pydantic import Field

from runtime.errors import StageError
from runtime.parameters import PARAMS_YAML, Seed, StageParameters
from stages.shared.parameters import Mean, Std
from stages.shared.shapes import CLASSES


class Parameters(StageParameters):
    """The keys of params.yaml that normalize reads."""

    mean: Mean
    std: Std
    validation_size: int = Field(ge=0, description="0, or an integer of 10 or more, smaller than the training set")
    seed: Seed


def check_validation_size(validation_size: int, images: int) -> None:
    """Raise StageError unless both parts of a stratified split of `images` images can have one of each class."""
    largest = images - CLASSES
    if validation_size and not CLASSES <= validation_size <= largest:
        raise StageError(
            f"{PARAMS_YAML}: validation_size: {validation_size} is not allowed; it must be 0, or from {CLASSES} to "
            f"{largest}, so that both sets have an image of each class"
        )
