"""What makes a module a stage: a user's mistake ends it with a line and no traceback, and it does not outlive DVC."""

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PARENT_CHECK_SECONDS = 0.1
DVC_WRITERS = Path(".dvc/tmp/rwlock")
PR_SET_PDEATHSIG = 1  # of Linux, prctl(2): the signal that this process gets when its parent dies


class StageError(Exception):
    """A fault that the user can mend. Its text is one line a fault: what is wrong, where, and what is allowed."""

    def __init__(self, text: str, status: int = 1) -> None:
        """Take the text, and the exit status of the stage."""
        super().__init__(text)
        self.status = status


def run(main: Callable[[], None]) -> None:
    """Call `main` and turn the faults that a user can mend into lines on standard error."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # in a log as on a terminal
    end_with_dvc()
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
    """See to it that this process ends when the dvc that runs it does. One that is run by hand is left alone.

    A stage that lived on after a killed `dvc repro` would write its outputs among those of the next one. Linux kills
    it at once, whatever it is doing. Elsewhere, and where a shell stands between the two (dvc.yaml's `exec` keeps it
    out), a thread asks for dvc; it has to wait while a library holds Python's lock, as torch does when it is loaded.
    """
    if "DVC_STAGE" in os.environ:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        _exit_without_dvc()  # it may have been killed before this stage came so far
        threading.Thread(target=_watch_dvc, daemon=True).start()


def _watch_dvc() -> None:
    while True:
        time.sleep(PARENT_CHECK_SECONDS)
        _exit_without_dvc()


def _exit_without_dvc() -> None:
    """Exit unless a process above this one is in DVC's list of who writes what: its parent alone may be a new one."""
    if not _writers_of_outputs() & {process.pid for process in psutil.Process().parents()}:
        with contextlib.suppress(OSError):  # what read it may have ended as well
            print(f"error: {DVC_WRITERS}: names no dvc that runs this stage; the stage ends with it", file=sys.stderr)
        os._exit(1)


def _writers_of_outputs() -> set[int]:
    for _ in range(10):
        with contextlib.suppress(ValueError, FileNotFoundError):  # another dvc is just writing it
            return {int(writer["pid"]) for writer in json.loads(DVC_WRITERS.read_text())["write"].values()}
        time.sleep(PARENT_CHECK_SECONDS)
    return set()
