"""Parameters of a stage: read from params.yaml, validated strictly, as one immutable object.

Imports nothing heavy, so that a wrong value is rejected before torch is imported.
"""

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime.errors import StageError
from runtime.yaml_file import YamlError, read_yaml_mapping, shorten

PARAMS_YAML = Path("params.yaml")

Seed = Annotated[int, Field(ge=0, lt=2**32, description="an integer from 0 to 4294967295")]


class StageParameters(BaseModel):
    """Base class of the parameters of each stage: strict types, finite numbers, immutable.

    The description of a field is what error messages give as allowed.
    """

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


AnyParameters = TypeVar("AnyParameters", bound=StageParameters)


def read_parameters(kind: type[AnyParameters]) -> AnyParameters:
    """Read the keys of `kind` from params.yaml.

    Raises:
        StageError: one line for each key that is missing, or has a value of a wrong type or out of range.
    """
    try:
        values = read_yaml_mapping(PARAMS_YAML)
    except YamlError as error:
        if error.key not in kind.model_fields:
            raise
        raise StageError(f"{error}; {error.key} must be {kind.model_fields[error.key].description}") from None
    try:
        return kind.model_validate({key: values[key] for key in kind.model_fields if key in values})
    except ValidationError as error:
        wrong_keys = dict.fromkeys(str(detail["loc"][0]) for detail in error.errors())
        raise StageError("\n".join(_describe_wrong_value(kind, key, values) for key in wrong_keys)) from None


def _describe_wrong_value(kind: type[StageParameters], key: str, values: dict[Any, Any]) -> str:
    allowed = kind.model_fields[key].description
    if key not in values:
        return f"{PARAMS_YAML}: {key}: missing; it must be {allowed}"
    return f"{PARAMS_YAML}: {key}: {shorten(values[key])} is not allowed; it must be {allowed}"
