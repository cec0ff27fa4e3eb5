"""What nothing may be restored beside: a dvc that runs, and a merge or rebase that the user has not ended."""

from contextlib import suppress
from itertools import pairwise

import psutil

from dvc_guard.errors import GuardError
from dvc_guard.git import get_git_path, get_root, list_worktrees, try_git
from dvc_guard.processes import find_processes, is_dvc
from dvc_guard.project import require_index
from dvc_guard.run.workspace import EXPERIMENT

# A file of Git that exists meanwhile, what the user does, and how it ends.
OPERATIONS = {
    "MERGE_HEAD": ("a merge", "git merge --continue or git merge --abort"),
    "rebase-merge": ("a rebase", "git rebase --continue or git rebase --abort"),
    "rebase-apply": ("a rebase or git am", "git rebase --continue, git am --continue or their --abort"),
    "CHERRY_PICK_HEAD": ("a cherry-pick", "git cherry-pick --continue or git cherry-pick --abort"),
    "REVERT_HEAD": ("a revert", "git revert --continue or git revert --abort"),
    "sequencer": ("a cherry-pick or revert", "git cherry-pick --continue, git revert --continue or their --abort"),
    "BISECT_LOG": ("a bisection", "git bisect reset"),
}


def refuse() -> None:
    """Raise GuardError while dvc runs in a worktree of the repository, or the user merges; it says what to do."""
    refuse_operations()
    if try_git("ls-files", "--cached") is not None:
        require_index(get_root())
    running = {find_experiment(process): process for process in find_processes(is_dvc, list_worktrees())}
    for experiment, process in sorted(running.items(), reverse=True):  # one with a name first
        what = f"experiment {experiment}" if experiment else "dvc"
        command = " ".join(process.cmdline())
        raise GuardError(f"{what} is running (PID {process.pid}: {command}); wait for it or stop it")


def refuse_operations() -> None:
    """Raise GuardError while a merge, a rebase or the like is under way, or a file is unmerged."""
    for name, (what, end) in OPERATIONS.items():
        if get_git_path(name).exists():
            raise GuardError(f"{what} is under way; end it first: {end}. Nothing was changed")
    unmerged = (try_git("ls-files", "--unmerged", "-z") or "").split("\0")[:-1]
    if unmerged:
        names = sorted({line.partition("\t")[2] for line in unmerged})
        raise GuardError(f"{', '.join(names)}: unmerged; resolve it first, then git add. Nothing was changed")


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
