"""What makes a module a stage: a user's mistake ends it with a line and no traceback, and it does not outlive DVC."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from stages.shared.workspace import keep_workspace, read_writers

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
    dvc = end_with_dvc()
    try:
        if dvc is not None:
            keep_workspace(dvc)
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


def end_with_dvc() -> psutil.Process | None:
    """See to it that this process ends when the dvc that runs it does, and return that; None where it is run by hand.

    A stage that lived on after a killed `dvc repro` would write its outputs among those of the next one. Linux kills
    it at once, whatever it is doing. Elsewhere, and where a shell stands between the two (dvc.yaml's `exec` keeps it
    out), a thread asks for dvc; it has to wait while a library holds Python's lock, as torch does when it is loaded.
    """
    if "DVC_STAGE" not in os.environ:
        return None
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    dvc = _find_dvc()  # it may have been killed before this stage came so far
    threading.Thread(target=_watch_dvc, daemon=True).start()
    return dvc


def _watch_dvc() -> None:
    while True:
        time.sleep(PARENT_CHECK_SECONDS)
        _find_dvc()


def _find_dvc() -> psutil.Process:
    """Find the process above this one that DVC lists as a writer, or exit: the parent alone may be a new one."""
    with contextlib.suppress(FileNotFoundError):
        writers = {writer["pid"] for writer in read_writers(DVC_WRITERS).values()}
        for process in psutil.Process().parents():
            if process.pid in writers:
                return process
    with contextlib.suppress(OSError):  # what read it may have ended as well
        print(f"error: {DVC_WRITERS}: names no dvc that runs this stage; the stage ends with it", file=sys.stderr)
    os._exit(1)
