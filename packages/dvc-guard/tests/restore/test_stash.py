import os
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from dvc_guard.restore.stash import CHECKOUT_SECONDS
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


def stash_as_dvc(message: str | None = None) -> str:
    repo = pygit2.Repository(".")
    return str(repo.stash(pygit2.Signature("Tester", "tester@localhost"), message=message))


def assert_recovered(project: Project) -> None:
    assert project.git("status", "--porcelain") == " M README.md\n D old.md\n?? new.md\n"
    assert Path("README.md").read_text() == "edited\n"
    assert Path("new.md").read_text() == "new\n"


def test_recovers_edits_that_dvc_stashed(edited: Project, restore: Restore) -> None:
    stash_as_dvc()
    Path("README.md").write_text("edited\n")  # DVC had begun to apply the stash
    stash_as_dvc(NAME)
    assert [line.partition(":")[0] for line in restore()] == [RECOVERED.partition(":")[0]]
    assert_recovered(edited)
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
    assert edited.git("status", "--porcelain") == "?? new.md\n"
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
