"""Errors that a user can correct: raised as StageError, printed as one line each."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

MAX_LINES = 20  # of all errors
MAX_LENGTH = 2000  # of a line; those of parameters have at most 300


class StageError(Exception):
    """A user-correctable error. Each line of its text is one error: where, what is wrong, and what is allowed."""

    def __init__(self, text: str, status: int = 1) -> None:
        """Set the text and the exit status of the stage."""
        super().__init__(text)
        self.status = status


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


@contextmanager
def errors_in_lines() -> Iterator[None]:
    """Print errors that a user can correct as lines on standard error, without a traceback, and exit."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # in a log as on a terminal
    try:
        yield
    except StageError as error:
        _exit(str(error), error.status)
    except FileNotFoundError as error:
        missing = f"{error.filename}: no such file" if error.filename else str(error)  # safetensors gives no filename
        _exit(f"{missing}; run dvc repro, which creates what is missing")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _exit(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        _exit("interrupted")


def _exit(text: str, status: int = 1) -> NoReturn:
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        lines[MAX_LINES - 1 :] = [f"{len(lines) - MAX_LINES + 1} more errors"]
    print("\n".join(to_line(f"error: {line}", MAX_LENGTH) for line in lines), file=sys.stderr)
    sys.exit(status)


def shorten(value: object) -> str:
    """Format a value in one line of at most 60 characters."""
    return to_line(repr(value), 60)


def to_line(text: str, length: int) -> str:
    """Format text in one line of at most `length` characters, all of them printable."""
    escaped = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[: 10 * length])
    line = " ".join(escaped.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."
