"""Parameters: read from params.yaml, checked strictly, handed to a stage as one frozen object.

Imports nothing heavy, so that a mistyped parameter is refused before torch is loaded.
"""

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.shared.files import DVC_LOCK, read_lock
from stages.shared.stage import StageError
from stages.shared.yaml_mapping import read_yaml_mapping, shorten

PARAMS_YAML = Path("params.yaml")

Seed = Annotated[int, Field(ge=0, lt=2**32, description="an integer from 0 to 4294967295")]


class StageParameters(BaseModel):
    """Base of each stage's parameters: strict types, finite numbers, immutable.

    The description of a field says what is allowed, as it stands in the error message.
    """

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


AnyStageParameters = TypeVar("AnyStageParameters", bound=StageParameters)


def read_parameters(kind: type[AnyStageParameters]) -> AnyStageParameters:
    """Read the keys of `kind` from params.yaml.

    Raises:
        StageError: a line for each key that is missing, or has a value of a wrong type or out of range.
    """
    values = read_yaml_mapping(PARAMS_YAML)
    try:
        return kind.model_validate({key: values[key] for key in kind.model_fields if key in values})
    except ValidationError as error:
        wrong_keys = dict.fromkeys(str(detail["loc"][0]) for detail in error.errors())
        raise StageError("\n".join(_describe_wrong_value(kind, key, values) for key in wrong_keys)) from None


def confirm_parameters(parameters: StageParameters) -> None:
    """Raise StageError if params.yaml has changed meanwhile.

    DVC records the values that it finds when a stage has ended, not those that the stage was begun with.
    """
    if read_parameters(type(parameters)) != parameters:
        raise StageError(f"{PARAMS_YAML}: changed while this stage ran, by you or by another dvc exp run; run it again")


def confirm_all_parameters() -> None:
    """Raise StageError if params.yaml no longer says what the stages so far ran with, by dvc.lock.

    DVC records an experiment with the params.yaml that it finds at its end.
    """
    values = read_yaml_mapping(PARAMS_YAML)
    for stage, entry in read_lock().items():
        for key, value in entry.get("params", {}).get(PARAMS_YAML.name, {}).items():
            if key not in values or values[key] != value:
                raise StageError(
                    f"{PARAMS_YAML}: {key}: {shorten(values.get(key))}, but {stage} ran with {shorten(value)}, by "
                    f"{DVC_LOCK}; it was changed by you or by another dvc exp run: run all of it again"
                )


def _describe_wrong_value(kind: type[StageParameters], key: str, values: dict[Any, Any]) -> str:
    allowed = kind.model_fields[key].description
    if key not in values:
        return f"{PARAMS_YAML}: {key}: missing; it must be {allowed}"
    return f"{PARAMS_YAML}: {key}: {shorten(values[key])} is not allowed; it must be {allowed}"
