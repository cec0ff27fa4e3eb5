"""The error that a user can correct, and how errors are formatted."""

from collections.abc import Collection
from itertools import islice

MAX_SHOWN = 5


class GuardError(Exception):
    """A user-correctable error. Each line of its text is one error: where, what is wrong, and what to do."""

    def __init__(self, text: str, status: int = 1) -> None:
        """Set the text, and the exit status of the command."""
        super().__init__(text)
        self.status = status


def shorten(value: object) -> str:
    """Format a value in one line of at most 60 characters."""
    return to_line(repr(value), 60)


def to_line(text: str, length: int) -> str:
    """Format text in one line of at most `length` characters, all of them printable."""
    escaped = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[: 10 * length])
    line = " ".join(escaped.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."


def join_names(names: Collection[str]) -> str:
    """Join at most `MAX_SHOWN` names; of the others, give the number."""
    more = [f"and {len(names) - MAX_SHOWN} more"] if len(names) > MAX_SHOWN else []
    return ", ".join([*islice(names, MAX_SHOWN), *more])
