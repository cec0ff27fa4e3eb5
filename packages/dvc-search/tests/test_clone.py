"""A clone that is left without its .git: Git would climb to the repository of the user around it."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dvc_search.clone import find_folder, open_clone
from dvc_search.errors import GitError
from dvc_search.git import git
from dvc_search.task import Metric, Task


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """Change to a DVC project with an edit; return a trial at its last commit."""
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("lr: 1\n")
    Path(".dvc/config").touch()
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "params.yaml", ".dvc/config")
    git(tmp_path, "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "--quiet", "--message", "Begin")
    Path("params.yaml").write_text("lr: 2\n")
    return Task(
        name="trial-0",
        commit=git(tmp_path, "rev-parse", "HEAD"),
        repository=str(tmp_path),
        project="",
        parameters={},
        metrics=(Metric("metrics.json", "score"),),
        author=("Tester", "tester@localhost"),
        pushes_data=False,
        patience=0.0,
    )


@contextmanager
def keep_edit() -> Iterator[Path]:
    """Yield the folder of the first clone, with a file and without .git; then confirm that the edit is there."""
    url_hash = hashlib.sha256(str(Path.cwd()).encode()).hexdigest()[:8]
    folder = Path(".dvc/tmp/search/clones", url_hash, "0").absolute()
    folder.mkdir(parents=True)
    (folder / "model.txt").touch()
    yield folder
    assert Path("params.yaml").read_text() == "lr: 2\n"
    assert git(Path(), "symbolic-ref", "--short", "HEAD")


def test_clone_without_git_is_not_used(task: Task) -> None:
    with keep_edit(), pytest.raises(GitError, match="already exists"), open_clone(task):
        pass


def test_clone_that_cannot_be_removed_is_not_used(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise PermissionError(path)

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with keep_edit() as folder:
        folder.with_suffix(".used").touch()
        with pytest.raises(PermissionError), open_clone(task):
            pass


def test_worker_outside_of_a_project(task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clones are within .dvc/tmp, as those of others: `dvc-guard run --resume` goes by that."""
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = find_folder(task)
    assert folder.match("home/.cache/dvc-search/*/.dvc/tmp/search")
    assert folder != find_folder(replace(task, repository="other"))
    with open_clone(task) as clone:
        assert clone.folder.is_relative_to(folder)
        cache = folder.parents[2] / "cache"
        assert f"dir = {cache}\n" in (clone.folder / ".dvc/config.local").read_text()
