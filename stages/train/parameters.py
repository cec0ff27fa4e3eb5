"""Parameters of the train stage, documented in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from runtime.errors import StageError
from runtime.parameters import PARAMS_YAML, Seed, StageParameters

LayerWidth = Annotated[int, Field(gt=0, le=4096)]


class Parameters(StageParameters):
    """The keys of params.yaml that train reads."""

    seed: Seed
    hidden_sizes: tuple[LayerWidth, ...] = Field(
        strict=False, max_length=8, description="a list of at most 8 integers from 1 to 4096"
    )
    loss: Literal["cross_entropy", "mse"] = Field(description="cross_entropy or mse")
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"] = Field(description="sgd, adam, adamw or rmsprop")
    lr: float = Field(gt=0, le=1000, description="a number greater than 0, at most 1000")
    momentum: float = Field(ge=0, lt=1, description="a number from 0 to less than 1")
    weight_decay: float = Field(ge=0, le=1000, description="a number from 0 to 1000")
    batch_size: int = Field(gt=0, le=1_000_000, description="an integer from 1 to 1000000")
    epochs: int = Field(gt=0, le=100_000, description="an integer from 1 to 100000")
    schedule: Literal["constant", "one_cycle"] = Field(description="constant or one_cycle")
    augment: Literal["none", "affine", "elastic"] = Field(description="none, affine or elastic")
    patience: int = Field(ge=0, description="an integer of 0 or more")
    numerics: Literal["portable", "native"] = Field(description="portable or native")


def check_patience(patience: int, validation_images: int) -> None:
    """Raise StageError if there is a patience but no validation set."""
    if patience and not validation_images:
        raise StageError(f"{PARAMS_YAML}: patience: {patience} is not allowed where validation_size is 0")
