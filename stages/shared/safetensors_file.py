"""Safetensors files with metadata: one JSON object, since safetensors writes several keys in random order."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError, safe_open

from stages.shared.errors import StageError, to_line

if TYPE_CHECKING:
    from torch import Tensor

ADVICE = "remove it and run dvc repro"  # of a file that is not as its stage wrote it

Metadata = TypeVar("Metadata", bound=BaseModel)


def format_metadata(metadata: BaseModel) -> dict[str, str]:
    """Format what `read_file` reads."""
    return {"metadata": json.dumps(metadata.model_dump(), ensure_ascii=False, separators=(",", ":"))}


def read_file(path: Path, kind: type[Metadata]) -> "tuple[dict[str, Tensor], Metadata]":
    """Read the tensors and the metadata of a file. The tensors are mapped into memory, not copied.

    Raises:
        StageError: the file is not safetensors, or its metadata are not of class `kind`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("metadata", "")
            return {name: file.get_tensor(name) for name in file.keys()}, kind.model_validate_json(text)  # noqa: SIM118 - it is not a dict
    except SafetensorError as error:
        raise StageError(f"{path}: not a safetensors file ({to_line(str(error), 100)}); {ADVICE}") from None
    except ValidationError as error:
        detail = error.errors()[0]
        problem = to_line(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}".removeprefix(": "), 100)
        raise StageError(f"{path}: metadata: {problem}; {ADVICE}") from None
