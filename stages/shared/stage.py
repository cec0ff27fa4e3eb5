"""What makes a module a stage: a user's mistake ends it with a line and no traceback, and it does not outlive DVC."""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PARENT_CHECK_SECONDS = 0.1
DVC_WRITERS = Path(".dvc/tmp/rwlock")


class StageError(Exception):
    """A fault that the user can mend. Its text is one line a fault: what is wrong, where, and what is allowed."""

    def __init__(self, text: str, status: int = 1) -> None:
        """Take the text, and the exit status of the stage."""
        super().__init__(text)
        self.status = status


def run(main: Callable[[], None]) -> None:
    """Call `main` and turn the faults that a user can mend into lines on standard error."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # in a log as on a terminal
    threading.Thread(target=end_with_dvc, daemon=True).start()
    try:
        main()
    except StageError as error:
        print("\n".join(f"error: {line}" for line in str(error).splitlines()), file=sys.stderr)
        sys.exit(error.status)
    except FileNotFoundError as error:
        sys.exit(f"error: {error.filename or error}: no such file; run dvc repro, which makes what is missing")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {where}{error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit("error: interrupted")


def end_with_dvc() -> None:
    """End this process when the dvc that runs it has ended. One that is run by hand, without dvc, is left alone.

    A stage that lived on after a killed `dvc repro` would write its outputs among those of the next one. The list of
    who writes what tells which process dvc is, even if it was killed before this one could ask for its parent.
    """
    if "DVC_STAGE" in os.environ:
        while _writers_of_outputs() & {process.pid for process in psutil.Process().parents()}:
            time.sleep(PARENT_CHECK_SECONDS)
        os._exit(1)


def _writers_of_outputs() -> set[int]:
    for _ in range(10):
        with contextlib.suppress(json.JSONDecodeError, FileNotFoundError):  # another dvc is just writing it
            return {int(writer["pid"]) for writer in json.loads(DVC_WRITERS.read_text())["write"].values()}
        time.sleep(PARENT_CHECK_SECONDS)
    return set()
