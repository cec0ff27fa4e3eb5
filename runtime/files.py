"""Files that stages write."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import StageError


@contextmanager
def writing(path: Path, *library_errors: type[Exception]) -> Iterator[None]:
    """Create the parent folder of `path`; turn a failure to write within the `with` statement into one line.

    `library_errors` are what a library raises in place of OSError.

    Raises:
        StageError: the disk is full, a permission is missing, and so on.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except Exception as error:
        if not isinstance(error, (OSError, *library_errors)):
            raise
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise StageError(
            f"{path}: cannot be written: {reason}; free disk space or fix the error, then run dvc repro"
        ) from None
