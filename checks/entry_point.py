"""The entry point of `python -m checks` and of the command dvc-checks."""

import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

ERROR = 2


def run() -> int:
    """Run the command line and return the exit status: 2 also for a missing dependency and a damaged Git object."""
    threading.excepthook = exit_after_thread_error
    try:
        from .command_line import main
    except ImportError as error:
        print(f"checks error: {error}; requirements: dvc, rich", file=sys.stderr)
        return ERROR
    try:
        status = main()
        for stream in (sys.stdout, sys.stderr):
            if stream:  # None if it was closed
                stream.flush()
    except Exception as error:  # noqa: BLE001 - for example, the disk of stdout or stderr is full
        exit_with_error(error)
    return status


def exit_after_thread_error(arguments: threading.ExceptHookArgs) -> None:
    """Exit with 2. pygit2 reads a file of a commit in a thread, and waits forever if that fails."""
    exit_with_error(arguments.exc_value)


def exit_with_error(error: BaseException | None) -> NoReturn:
    """Exit at once: a normal exit waits for threads, and with text that cannot be written its status is 120."""
    with suppress(OSError):
        print(f"checks error: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    os._exit(ERROR)
