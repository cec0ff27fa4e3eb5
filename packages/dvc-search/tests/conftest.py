"""Fixtures: a small project, with and without remotes, and an empty folder."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from search_project import Project, list_coverage_variables, make_project


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return the project, which the first worker of pytest-xdist makes."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with (folder / "search-project.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "search-project.complete").exists():
            make_project(folder / "search-project")
            (folder / "search-project.complete").touch()
    return Project(folder / "search-project")


@pytest.fixture
def project(template: Project, tmp_path: Path) -> Project:
    """Return a copy of the project."""
    return template.copy(tmp_path / "a project")


@pytest.fixture
def measured(project: Project) -> Project:
    """Return the project; coverage is measured in all its processes, which makes them slower by half."""
    project.environment |= {name: os.environ[name] for name in list_coverage_variables()}
    return project


@pytest.fixture
def shared(project: Project) -> Project:
    """Return the project with a bare Git remote in `git` beside it, and a DVC remote in `storage`."""
    project.share()
    return project


@pytest.fixture
def inside(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Change to the project and its environment."""
    monkeypatch.chdir(project.folder)
    for name in ("HOME", "DVC_SITE_CACHE_DIR", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, project.environment[name])
    return project


@pytest.fixture
def memory_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to an empty folder, in memory if possible: SQLite waits for a disk at each of its transactions."""
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        monkeypatch.chdir(folder)
        yield Path(folder)
