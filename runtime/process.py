"""The process of a stage ends when the dvc that runs it ends.

A stage that outlived a killed `dvc repro` would write its outputs among those of the next run.
"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

import psutil

from runtime.workspace import read_writers

PARENT_CHECK_SECONDS = 0.1
DVC_WRITERS = Path(".dvc/tmp/rwlock")
PR_SET_PDEATHSIG = 1  # prctl(2) of Linux: the signal that this process gets when its parent ends


def end_with_dvc() -> psutil.Process | None:
    """Make this process end with the dvc that runs it; return that dvc, or None if the stage was started by hand.

    Linux kills this process as soon as its parent ends. Elsewhere, and where a shell is the parent (`exec` in dvc.yaml
    prevents that), a thread polls; it cannot run while a library holds the GIL, as torch does during its import. The
    thread also ends this process with the worker of DVC's queue: the dvc of a task outlives its worker.
    """
    if "DVC_STAGE" not in os.environ:
        return None
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    dvc = _find_dvc()  # it may have ended before the line above
    threading.Thread(target=_watch, args=[dvc], daemon=True).start()
    return dvc


def _watch(dvc: psutil.Process) -> None:
    is_task, worker = "exec-run" in dvc.cmdline(), dvc.ppid()
    while True:
        time.sleep(PARENT_CHECK_SECONDS)
        _find_dvc()
        if is_task and dvc.ppid() != worker:
            _end("the worker of the queue has ended")


def _find_dvc() -> psutil.Process:
    """Find the ancestor that DVC's lock file lists as a writer; exit if there is none."""
    with contextlib.suppress(FileNotFoundError):
        writers = {writer["pid"] for writer in read_writers(DVC_WRITERS).values()}
        for process in psutil.Process().parents():
            if process.pid in writers:
                return process
    return _end(f"{DVC_WRITERS}: parent dvc process not found")


def _end(reason: str) -> NoReturn:
    with contextlib.suppress(OSError):  # standard error may be closed
        print(f"error: {reason}; the stage ends", file=sys.stderr)
    os._exit(1)
