"""The search of the processes of dvc and Git that run in some folders."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil

# The commands that change the workspace, the cache or a remote.
COMMANDS = {
    *("add", "checkout", "commit", "fetch", "freeze", "gc", "import", "import-db", "import-url", "move", "pull"),
    *("push", "remove", "repro", "run", "unfreeze", "unprotect", "update"),
}
EXPERIMENT_COMMANDS = {"apply", "branch", "clean", "exec-run", "pull", "push", "remove", "rename", "run", "save"}
OPTIONS_WITH_VALUE = {"-W", "-X", "--cd"}


def find_processes(
    matches: Callable[[psutil.Process], bool], folders: Iterable[Path] | None = None
) -> Iterator[psutil.Process]:
    """Yield the processes that match and run in one of some folders, by default the current one, or below it."""
    roots = [folder.resolve() for folder in folders or [Path()]]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            folder = Path(process.cwd())
            if any(folder.is_relative_to(root) for root in roots) and matches(process):
                yield process


def is_dvc(process: psutil.Process) -> bool:
    """Return whether a process is a dvc command that changes the workspace, the cache or a remote."""
    command: list[str] = process.cmdline()
    runs_python = command and "python" in Path(command[0]).name  # that of a process that has just ended is empty
    words = _skip_options(command[1:] if runs_python else command)
    if not words or Path(words[0]).name != "dvc":
        return False
    name, *rest = _skip_options(words[1:]) or [""]
    subcommand = (_skip_options(rest) or [""])[0]
    return name in COMMANDS or (name in {"exp", "experiments"} and subcommand in EXPERIMENT_COMMANDS)


def _skip_options(words: list[str]) -> list[str]:
    """Return the words from the first on that is not an option, nor the value of one."""
    number = 0
    while number < len(words) and words[number].startswith("-"):
        number += 2 if words[number] in OPTIONS_WITH_VALUE else 1
    return words[number:]
