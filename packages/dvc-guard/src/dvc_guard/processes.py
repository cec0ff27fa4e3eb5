"""The search of the processes of dvc and Git that run in a project."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

COMMANDS = ({"repro"}, {"exp", "run"}, {"exp", "exec-run"}, {"exp", "apply"}, {"checkout"}, {"pull"}, {"push"}, {"gc"})


def find_processes(matches: Callable[[psutil.Process], bool]) -> Iterator[psutil.Process]:
    """Yield the processes that run in the current folder, or in a folder of it, and match."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(Path.cwd()) and matches(process):
                yield process


def is_dvc(process: psutil.Process) -> bool:
    """Return whether a process is a dvc command that changes the workspace, the cache or a remote."""
    command: list[str] = process.cmdline()
    names = {Path(argument).name for argument in command[:3]}
    return "dvc" in names and any(words <= set(command) for words in COMMANDS)
