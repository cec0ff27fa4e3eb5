import json
import os
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from dvc_guard.restore.killed_run import CHECKOUT_SECONDS
from foreign_project import Project, Restore

RECOVERED = "Recovered uncommitted changes that the killed dvc exp run had stashed: README.md, new.md, old.md"
NAME = "dvc-exp:1:2:name"
MERGE = "refs/exps/exec/EXEC_MERGE"


@pytest.fixture
def edited(project: Project) -> Project:
    """Edit, add and remove files."""
    project.write("README.md", "mine\n")
    project.write("old.md", "old\n")
    project.git("add", "--all")
    project.commit()
    project.write("README.md", "edited\n")
    project.write("new.md", "new\n")
    project.git("add", "new.md")
    project.delete("old.md")
    return project


def lock_stash() -> None:
    """Leave the locks of a killed dvc exp run, which it holds while it stashes changes."""
    Path(".dvc/tmp/exps").mkdir(exist_ok=True)
    killed = {"pid": 2**22 + 1, "cmd": "dvc exp run"}
    Path(".dvc/tmp/exps/rwlock").write_text(
        json.dumps({"write": dict.fromkeys(("workspace", "refs/exps/stash"), killed)})
    )


def stash_as_dvc(message: str | None = None) -> str:
    repo = pygit2.Repository(".")
    return str(repo.stash(pygit2.Signature("Tester", "tester@localhost"), message=message))


def assert_recovered(project: Project, new: str = "??") -> None:
    status = project.git("status", "--porcelain").splitlines()
    assert sorted(status) == sorted((" M README.md", " D old.md", f"{new} new.md"))
    assert Path("README.md").read_text() == "edited\n"
    assert Path("new.md").read_text() == "new\n"


def test_recovers_edits_that_dvc_stashed(edited: Project, restore: Restore) -> None:
    lock_stash()
    stash_as_dvc()
    Path("README.md").write_text("edited\n")  # DVC had begun to apply the stash
    edited.git("update-ref", "refs/exps/stash", stash_as_dvc(NAME))
    assert restore() == [RECOVERED, "Staged new.md", "Removed .dvc/tmp/exps/rwlock, left by a killed process"]
    assert_recovered(edited, new="A ")
    assert edited.git("stash", "list") == ""


def test_recovers_edits_that_dvc_overwrote(edited: Project, restore: Restore) -> None:
    edited.git("update-ref", MERGE, stash_as_dvc(NAME))
    edited.git("stash", "drop", "--quiet")
    assert restore() == [RECOVERED]
    assert_recovered(edited)


@pytest.mark.parametrize("content", [None, "", "ed", "mi"])
def test_recovers_edit_that_dvc_had_begun_to_write(edited: Project, restore: Restore, content: str | None) -> None:
    edited.git("update-ref", MERGE, stash_as_dvc(NAME))
    edited.git("stash", "drop", "--quiet")
    if content is None:
        edited.delete("README.md")
    else:
        edited.write("README.md", content)
    assert restore() == [RECOVERED]
    assert_recovered(edited)


def test_keeps_edits_made_after_the_kill(edited: Project, restore: Restore) -> None:
    edited.git("update-ref", MERGE, stash_as_dvc(NAME))
    edited.git("stash", "pop", "--quiet")
    edited.write("README.md", "edited again\n")
    restore()
    assert Path("README.md").read_text() == "edited again\n"


def test_does_not_recover_what_was_discarded(edited: Project, restore: Restore) -> None:
    edited.git("update-ref", MERGE, stash_as_dvc(NAME))
    edited.git("stash", "drop", "--quiet")
    seconds = Path("README.md").stat().st_mtime + CHECKOUT_SECONDS + 2
    for name in ("README.md", "old.md"):
        os.utime(name, (seconds, seconds))
    Path("new.md").write_text("other\n")
    edited.git("add", "new.md")
    restore()
    assert edited.git("status", "--porcelain") == "A  new.md\n"
    assert Path("new.md").read_text() == "other\n"


def test_keeps_stash_of_git(edited: Project, unchanged: Callable[[], list[str]]) -> None:
    edited.git("stash", "--quiet")
    assert unchanged() == []
    assert "stash@{0}" in edited.git("stash", "list")


def test_keeps_stash_of_another_commit(edited: Project, unchanged: Callable[[], list[str]]) -> None:
    stash_as_dvc()
    edited.git("commit", "--quiet", "--allow-empty", "--message", "x")
    assert unchanged() == []
    assert "stash@{0}" in edited.git("stash", "list")
