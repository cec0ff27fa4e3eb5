"""Run a command of DVC that can be stopped, and that ends with this process."""

import contextlib
import errno
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from dvc_search import launcher

POLL_SECONDS = 0.1
# In what Git, DVC and stages print if the machine fails, and not the trial.
MACHINE_ERRORS = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)))
KILLED = re.compile(r"exited with (-9|137)\b")  # of a stage, in what DVC prints; the kernel does so if memory is short
LIBRARIES = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")  # which use a thread for each core, or for each two
# Settings of another repository, and one that workers of Dask set for themselves: training can be 20 % slower with it.
REMOVED = ("GIT_DIR", "GIT_INDEX", "MALLOC_TRIM_THRESHOLD_")
MAX_LENGTH = 300  # of the line of an error


class Ended(NamedTuple):
    """How a command ended: its exit status, None if it was stopped, and its output."""

    status: int | None
    output: str


def run_dvc(
    arguments: Sequence[str],
    folder: Path,
    lock: int,
    should_stop: Callable[[], bool],
    log: Path | None = None,
    threads: int | None = None,
) -> Ended:
    """Run dvc; stop it, and all that it started, when `should_stop` returns True.

    Args:
        arguments: arguments of dvc.
        folder: where it runs.
        lock: a file descriptor that its processes inherit, so that a lock is held until all of them have ended.
        should_stop: called ten times a second.
        log: a file that gets the output while the command runs.
        threads: number of threads that numerical libraries may use.
    """
    # -I: no module of the project, whose folder the command runs in, replaces one that the launcher imports.
    launch = [sys.executable, "-I", launcher.__file__, str(os.getpid())]
    with log.open("w+b") if log else tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603 - no shell
            [*launch, sys.executable, "-m", "dvc", *arguments],
            cwd=folder,
            env=make_environment(lock, threads),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[lock],
        )
        status = _wait(process, should_stop)
        output.seek(0)
        return Ended(status, output.read().decode(errors="replace"))


def _wait(process: "subprocess.Popen[bytes]", should_stop: Callable[[], bool]) -> int | None:
    try:
        while process.poll() is None:
            if should_stop():
                return None
            time.sleep(POLL_SECONDS)
        return process.returncode
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def make_environment(lock: int, threads: int | None = None) -> dict[str, str]:
    """Return the environment of the launcher, with this Python first in PATH."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(REMOVED)}
    limits = {f"{library}_NUM_THREADS": str(threads) for library in LIBRARIES} if threads else {}
    return (
        environment
        | limits
        | {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
            "SEARCH_LOCK": str(lock),
            "DVC_EXP_AUTO_PUSH": "false",  # it pushes an experiment before its data
        }
    )


def find_machine_error(output: str) -> str | None:
    """Find the line that says that the machine has failed: a full disk, say."""
    lines = (" ".join(line.split()) for line in output.splitlines())
    return next((line[:MAX_LENGTH] for line in lines if any(text in line for text in MACHINE_ERRORS)), None)


def find_error(output: str) -> str:
    """Find the line that says why dvc failed: a stage's own error, or else what was printed last before dvc's."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", output)
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    for line in lines:
        if line.startswith("error: "):
            return line.removeprefix("error: ")[:MAX_LENGTH]
    for number, line in enumerate(lines):
        if line.startswith("ERROR: "):
            is_of_stage = line.startswith("ERROR: failed to reproduce") and number and "exited with" in line
            return (lines[number - 1] if is_of_stage else line.removeprefix("ERROR: "))[:MAX_LENGTH]
    return (lines[-1] if lines else "dvc printed no error")[:MAX_LENGTH]
