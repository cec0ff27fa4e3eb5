"""The entry point of `python -m checks` and of the command dvc-checks."""

import os
import sys
import threading


def run() -> int:
    """Run the command line and return the exit status: 2 also for a missing dependency and a damaged Git object."""
    threading.excepthook = exit_after_thread_error
    try:
        from .command_line import main
    except ImportError as error:
        print(f"checks error: {error}; requirements: dvc, rich", file=sys.stderr)
        return 2
    return main()


def exit_after_thread_error(arguments: threading.ExceptHookArgs) -> None:
    """Exit with 2. pygit2 reads a file of a commit in a thread, and waits forever if that fails."""
    print(f"checks error: {arguments.exc_type.__name__}: {arguments.exc_value}", file=sys.stderr, flush=True)
    os._exit(2)
