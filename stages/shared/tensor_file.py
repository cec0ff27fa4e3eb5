"""Safetensors files, read within limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from runtime.errors import StageError
from runtime.yaml_file import to_line

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
        raise StageError(f"{path}: not a safetensors file of {limits}; remove it and run dvc repro")
    try:
        yield
    except SafetensorError as error:
        reason = to_line(str(error), 100)
        raise StageError(f"{path}: not a safetensors file ({reason}); remove it and run dvc repro") from None
