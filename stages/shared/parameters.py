"""The parameters of each stage, as typed keys of params.yaml, which explains them.

A value that is not allowed is rejected in one line that says what is: the words come from the type.

Imports nothing heavy, so that this happens before torch is imported. No stage but validate has this file in its deps:
it rejects values, and DVC compares the values themselves. `NetworkParameters` also names the keys that are saved with
the weights: whoever moves a key there changes `build_network`, too.
"""

import difflib
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stages.shared.allowed import describe_allowed
from stages.shared.datasets import DATASETS, DatasetName
from stages.shared.errors import StageError, shorten, to_line
from stages.shared.yaml_file import read_yaml_mapping

PARAMS_YAML = Path("params.yaml")

# What two stages or more read. The limits of mean and std keep every pixel finite in float32.
Mean = Annotated[float, Field(ge=-1_000_000, le=1_000_000)]
Std = Annotated[float, Field(ge=0.000001, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class StageParameters(BaseModel):
    """Base class of the parameters of each stage: strict types, finite numbers, immutable."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


AnyParameters = TypeVar("AnyParameters", bound=StageParameters)


class DownloadParameters(StageParameters):
    """The keys that download reads."""

    dataset: DatasetName
    image_size: int = Field(ge=0, le=4096)
    channels: Literal[1, 3]


class NormalizeParameters(StageParameters):
    """The keys that normalize reads."""

    dataset: DatasetName
    mean: Mean
    std: Std
    validation_size: int = Field(ge=0)
    seed: Seed


class NetworkParameters(StageParameters):
    """The keys of train that build_network reads: they are saved with the weights, to build the network again."""

    hidden_sizes: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(strict=False, max_length=8)


class TrainParameters(NetworkParameters):
    """The keys that train reads."""

    seed: Seed
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"]
    lr: float = Field(gt=0, le=1000)
    momentum: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0, le=1000)
    loss: Literal["cross_entropy", "mse"]
    batch_size: int = Field(ge=1, le=1_000_000)
    epochs: int = Field(ge=1, le=100_000)
    schedule: Literal["constant", "one_cycle"]
    augment: Literal["none", "affine", "elastic"]
    patience: int = Field(ge=0)
    numerics: Literal["portable", "native"]


class EvaluateParameters(StageParameters):
    """Evaluate reads no key."""


class ExportParameters(StageParameters):
    """Export reads no key."""


class ValidateParameters(
    DownloadParameters, NormalizeParameters, TrainParameters, EvaluateParameters, ExportParameters
):
    """The keys of all stages: those of its bases, which are named after them. Checks across keys are here."""

    @model_validator(mode="after")
    def _check_across_keys(self) -> Self:
        if known := DATASETS.get(self.dataset):
            check_validation_size(self.validation_size, known.training_images, len(known.classes))
            if (self.image_size, self.channels) != (0, 1):
                raise StageError(
                    f"{PARAMS_YAML}: image_size must be 0 and channels 1 where dataset is {self.dataset}: they are for "
                    "own pictures, where dataset is folder"
                )
        check_patience(self.patience, self.validation_size)
        return self


def check_validation_size(validation_size: int, images: int, classes: int) -> None:
    """Raise StageError unless both parts of a stratified split of `images` images can have one of each class."""
    largest = images - classes
    if validation_size and not classes <= validation_size <= largest:
        raise StageError(
            f"{PARAMS_YAML}: validation_size: {validation_size} is not allowed; it must be 0, or from {classes} to "
            f"{largest}, so that both sets have an image of each class"
        )


def check_patience(patience: int, validation_images: int) -> None:
    """Raise StageError if there is a patience but no validation set."""
    if patience and not validation_images:
        raise StageError(f"{PARAMS_YAML}: patience: {patience} is not allowed where validation_size is 0")


def read_parameters(kind: type[AnyParameters]) -> AnyParameters:
    """Read the keys of `kind` from params.yaml.

    Raises:
        StageError: one line for each key that is missing, or has a value of a wrong type or out of range.
    """
    values = read_yaml_mapping(PARAMS_YAML)
    try:
        return kind.model_validate({key: values[key] for key in kind.model_fields if key in values})
    except ValidationError as error:
        lines = []
        unknown = [str(key) for key in values if key not in ValidateParameters.model_fields]
        for detail in error.errors():
            if "error" in detail.get("ctx", {}):  # ValueError of a validator
                lines.append(f"{PARAMS_YAML}: {detail['ctx']['error']}")
                continue
            key = str(detail["loc"][0])
            allowed = describe_allowed(kind, key)
            if key in values:
                lines.append(f"{PARAMS_YAML}: {key}: {shorten(values[key])} is not allowed; it must be {allowed}")
            elif similar := difflib.get_close_matches(key, unknown, n=1):
                lines.append(f"{PARAMS_YAML}: {to_line(similar[0], 60)}: unknown key; did you mean {key}?")
            else:
                lines.append(f"{PARAMS_YAML}: {key}: missing; it must be {allowed}")
        raise StageError("\n".join(dict.fromkeys(lines))) from None
