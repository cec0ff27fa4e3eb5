"""What happens to a project: nothing, a `dvc exp run` that is killed, or damage of the cache.

A killed run is played with the operations of Git that DVC makes, which takes no dvc.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pygit2

from foreign_project import RAW, damage_file
from states.snapshot import git

KILLED = {"pid": 2**22 + 1, "cmd": "dvc exp run"}
RUN_STEPS = ("EXEC_HEAD", "EXEC_MERGE", "EXEC_BASELINE")


def leave_lock(folder: str, *names: str) -> None:
    """Leave a list of locks of a killed dvc."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "rwlock").write_text(json.dumps({"write": dict.fromkeys(names, KILLED), "read": {}}))


def kill_while_stashing() -> None:
    """Kill it after it has stashed the edits, detached HEAD, and set a parameter."""
    leave_lock(".dvc/tmp/exps", "workspace", "refs/exps/stash")
    with suppress(KeyError, pygit2.GitError):  # nothing to stash, or in a merge
        pygit2.Repository(".").stash(pygit2.Signature("Tester", "tester@localhost"))
    git("checkout", "--quiet", "--detach", git("rev-parse", "HEAD").strip())
    set_parameter()


def kill_in_stage() -> None:
    """Kill it while a stage runs."""
    set_parameter()
    head = git("rev-parse", "HEAD").strip()
    merge = git("stash", "create", f"dvc-exp:{head}:{head}:name").strip() or head
    for name, commit in zip(RUN_STEPS, (head, merge, head), strict=True):
        git("update-ref", f"refs/exps/exec/{name}", commit)
    git("checkout", "--quiet", "--force", "--detach", head)
    git("stash", "apply", "--quiet", merge)
    git("add", "params.yaml")
    if Path("report.txt").is_file():
        Path("report.txt").unlink()
    Path("metrics.json").unlink(missing_ok=True)
    Path("metrics.json").write_text('{"test": ')
    leave_lock(".dvc/tmp", "report.txt")
    Path(".dvc/tmp/exps/tmpabc").mkdir(parents=True)
    Path(".dvc/tmp/exps/tmpabc/weights").write_text("of the killed run\n")
    if lock := git("rev-parse", "--git-path", "index.lock").strip():
        Path(lock).write_text("")


def set_parameter() -> None:
    """Set a parameter as `-S level=91` does."""
    if Path("params.yaml").is_file():
        Path("params.yaml").write_text("level: 91\nnumerics: portable\n")
        git("add", "params.yaml")


def damage_cache() -> None:
    """Damage an object of which there is an intact copy in data, and lose an output that has the same content."""
    for file in Path(".dvc/cache/files").rglob("*"):
        if file.is_file() and file.read_text(errors="replace") == RAW:
            damage_file(file)
    if Path("report.txt").is_file() and not Path("report.txt").is_symlink():
        Path("report.txt").unlink()


FAULTS: dict[str, Callable[[], None]] = {
    "nothing": lambda: None,
    "killed while stashing": kill_while_stashing,
    "killed in a stage": kill_in_stage,
    "damaged cache": damage_cache,
}
