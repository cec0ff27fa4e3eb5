"""Processes of DVC that run in the project: nothing may be restored beside them."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import psutil

from dvc_guard.errors import GuardError
from dvc_guard.git import try_git
from dvc_guard.processes import find_processes, is_dvc
from dvc_guard.run.workspace import EXPERIMENT


def refuse() -> Iterator[str]:
    """Raise GuardError if a dvc command runs in this project; the text names it, and its experiment."""
    running = {find_experiment(process): process for process in find_processes(is_dvc)}
    for experiment, process in sorted(running.items(), reverse=True):  # one with a name first
        what = f"experiment {experiment}" if experiment else "dvc"
        command = " ".join(process.cmdline())
        raise GuardError(f"{what} is running (PID {process.pid}: {command}); wait for it or stop it")
    yield from ()


def find_experiment(dvc: psutil.Process) -> str:
    """Return the name of the experiment that a dvc runs; empty if it is not known.

    DVC passes it on to the stages. Between two stages the name is that of the command line or of the experiment's ref.
    """
    for process in dvc.children(recursive=True):
        with suppress(psutil.Error, OSError):
            if name := process.environ().get("DVC_EXP_NAME"):
                return str(name)
    command: list[str] = dvc.cmdline()
    if {"exp", "run"} <= set(command):
        for option, name in pairwise(command):
            if option in {"-n", "--name"}:
                return name
        subject = try_git("log", "-1", "--format=%s", EXPERIMENT) or ""
        return subject.rpartition(":")[2]
    return ""
