"""Parameters: read from params.yaml, checked strictly, handed to a stage as one frozen object.

Imports nothing heavy, so that a mistyped parameter is refused before torch is loaded.
"""

import difflib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.shared.stage import StageError

PARAMS_YAML = Path("params.yaml")
DVC_YAML = Path("dvc.yaml")

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
        StageError: a line for each key that is unknown (to every stage of dvc.yaml), missing, or has a value of a
            wrong type or out of range.
    """
    values = read_yaml_mapping(PARAMS_YAML)
    known_keys = _read_known_keys()
    errors = [_describe_unknown_key(key, known_keys) for key in values if key not in known_keys]
    try:
        parameters = kind.model_validate({key: values[key] for key in kind.model_fields if key in values})
    except ValidationError as error:
        wrong_keys = dict.fromkeys(str(detail["loc"][0]) for detail in error.errors())
        errors += [_describe_wrong_value(kind, key, values) for key in wrong_keys]
    if errors:
        raise StageError("\n".join(errors))
    return parameters


def read_yaml_mapping(path: Path) -> dict[Any, Any]:
    """Read a YAML 1.2 file whose top level is a mapping, with the parser that DVC uses.

    Raises:
        StageError: the file is missing, is not YAML (duplicate keys included), or holds something else.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StageError(f"{path}: no such file here; run from the folder that holds it") from None
    except UnicodeDecodeError:
        raise StageError(f"{path}: not UTF-8 text") from None
    except (YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        raise StageError(f"{path}{line}: not valid YAML: {problem}") from None
    if not isinstance(content, dict):
        raise StageError(f"{path}: must be a mapping of keys to values, is {_shorten(content)}")
    return content


def _read_known_keys() -> set[str]:
    stages = read_yaml_mapping(DVC_YAML).get("stages", {})
    return {key for stage in stages.values() for key in stage.get("params", [])}


def _describe_unknown_key(key: Any, known_keys: set[str]) -> str:
    close = difflib.get_close_matches(str(key), known_keys, n=1)
    hint = f"did you mean {close[0]}?" if close else f"allowed are {', '.join(sorted(known_keys))}"
    return f"{PARAMS_YAML}: {key}: unknown key; {hint}"


def _describe_wrong_value(kind: type[StageParameters], key: str, values: dict[Any, Any]) -> str:
    allowed = kind.model_fields[key].description
    if key not in values:
        return f"{PARAMS_YAML}: {key}: missing; it must be {allowed}"
    return f"{PARAMS_YAML}: {key}: {_shorten(values[key])} is not allowed; it must be {allowed}"


def _shorten(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
