"""States of a user's project, each made in the current folder, a copy of the template."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pygit2

from states.snapshot import git

EDIT = "edited by the user\n"
HOUR = 3600  # how long before or after a run the user does something


def run_shell(script: str) -> None:
    """Run commands, some of which may fail."""
    date = {"GIT_COMMITTER_DATE": f"{int(time.time()) - HOUR} +0000"}
    subprocess.run(["sh", "-c", script], env=os.environ | date, check=False, capture_output=True)


def stash_by_libgit2(message: str | None) -> None:
    """Stash an edit as another program on libgit2 does, and edit again."""
    Path("notes.md").write_text(EDIT)
    tester = pygit2.Signature("Tester", "tester@localhost", int(time.time()) - HOUR)
    with suppress(pygit2.GitError):  # an index.lock of a killed process
        pygit2.Repository(".").stash(tester, message=message)
        Path("notes.md").write_text("newer\n")


def in_linked_worktree() -> None:
    """Work in a linked worktree, whose cache is that of the first."""
    git("worktree", "add", "--quiet", "../linked", "-b", "linked")
    for name in ("data", "pictures", "report.txt", "labels.csv"):
        subprocess.run(["cp", "-a", name, "../linked"], check=False)
    shutil.copytree(".dvc/cache", "../linked/.dvc/cache")
    os.chdir("../linked")
    Path("notes.md").write_text(EDIT)


def in_subfolder() -> None:
    """Have the project in a folder of the repository, with edits outside of it."""
    here = Path.cwd()
    parent = here.rename(here.with_name("inner")).parent / "outer"
    parent.mkdir()
    (parent.parent / "inner").rename(parent / "project")
    (parent / "project/.git").rename(parent / ".git")
    os.chdir(parent)
    Path("outside.md").write_text("outside\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", "move")
    Path("outside.md").write_text(EDIT)
    os.chdir("project")


def with_unicode_path() -> None:
    """Have the project in a folder whose name is not ASCII."""
    here = Path.cwd()
    os.chdir(here.rename(here.with_name("prüfung 日本")))
    Path("notes.md").write_text(EDIT)


def of_another_owner() -> None:
    """Have a repository that belongs to another user, which only root can make."""
    Path("notes.md").write_text(EDIT)
    subprocess.run(["chown", "-R", "1234:1234", "."], check=True)


TEXT = Path(__file__).with_suffix(".sh").read_text(encoding="utf-8")
FUNCTIONS, *SCRIPTS = re.split("^## (.*)\n", TEXT, flags=re.MULTILINE)
STATES: dict[str, Callable[[], None]] = {
    **{name: partial(run_shell, FUNCTIONS + script) for name, script in zip(SCRIPTS[::2], SCRIPTS[1::2], strict=True)},
    "stash of libgit2": partial(stash_by_libgit2, None),
    "stash of libgit2 with a message": partial(stash_by_libgit2, "mine\n"),
    "stash with dvc's message": partial(stash_by_libgit2, "dvc-exp:1:2:name"),
    "linked worktree": in_linked_worktree,
    "project in a subfolder": in_subfolder,
    "path that is not ASCII": with_unicode_path,
    "of another owner": of_another_owner,
}
