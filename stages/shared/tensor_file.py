"""Safetensors files, read within limits."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from stages.shared.errors import StageError, to_line

Types = dict[str, tuple[str, list[int]]]  # dtype, as safetensors names it, and shape, by name of the tensor

ADVICE = "remove it and run dvc repro"  # of a file that is not as its stage wrote it
MAX_BYTES = 2**30  # twice those of the largest network that params.yaml allows
MAX_HEADER_BYTES = 100_000  # those of a tensor are about 70


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Check the size of a safetensors file; turn an error of its format within the `with` statement into one line.

    Raises:
        StageError: the file is not safetensors, or larger than the limits, which bound the memory.
    """
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
    if header_bytes > MAX_HEADER_BYTES or path.stat().st_size > MAX_BYTES:
        limits = f"at most {MAX_BYTES} bytes, {MAX_HEADER_BYTES} of them in its header"
        raise StageError(f"{path}: not a safetensors file of {limits}; {ADVICE}")
    try:
        yield
    except SafetensorError as error:
        reason = to_line(str(error), 100)
        raise StageError(f"{path}: not a safetensors file ({reason}); {ADVICE}") from None


def read_types(path: Path) -> Types:
    """Read which tensors a file has, without loading them.

    Raises:
        StageError: the file is not safetensors, or larger than the limits.
    """
    with reading(path), safe_open(path, framework="np") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is not a dict
        return {name: (tensor.get_dtype(), tensor.get_shape()) for name, tensor in slices.items()}


def read_tensor(path: Path, name: str, dtype: type[np.generic]) -> NDArray[Any]:
    """Read a tensor of a file that `read_types` has read.

    safetensors.numpy needs the memory twice, and not in the large pages that numpy asks for: those make the selection
    of random images faster.
    """
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(header_bytes))[name]
    begin, end = entry["data_offsets"]
    count = (end - begin) // np.dtype(dtype).itemsize
    return np.fromfile(path, dtype, count, offset=8 + header_bytes + begin).reshape(entry["shape"])
