"""Fixtures: a small project, with and without remotes, made once."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clone import ROOT, Clone
from tests.conftest import build_once
from tests.search.stub import add_remotes, list_coverage_variables, make_project


@pytest.fixture(scope="session")
def stub_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_once(tmp_path_factory, "search-stub", lambda folder: make_project(folder / "project"))


@pytest.fixture
def project(stub_folder: Path, tmp_path: Path) -> Clone:
    """Return a copy of the small project."""
    clone = Clone(stub_folder / "project").copy(tmp_path / "a project")
    clone.environment["PYTHONPATH"] = str(ROOT)
    return clone


@pytest.fixture
def measured(project: Clone) -> Clone:
    """Return the project; coverage is measured in all its processes, which makes them slower by half."""
    project.environment |= {name: os.environ[name] for name in list_coverage_variables()}
    return project


@pytest.fixture
def shared(project: Clone, tmp_path: Path) -> Clone:
    """Return the project with a bare Git remote in `git`, and a DVC remote in `storage`."""
    project.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(tmp_path / "git"))
    add_remotes(project, str(tmp_path / "git"), str(tmp_path / "storage"), tmp_path / "storage")
    return project


@pytest.fixture
def memory_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to an empty folder, in memory if possible: SQLite waits for a disk at each of its transactions."""
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        monkeypatch.chdir(folder)
        yield Path(folder)
