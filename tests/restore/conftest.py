"""A small DVC project, and functions that restore it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from restore.command_line import main
from tests.checks.project import Project
from tests.checks.project_files import TINY_FILES
from tests.conftest import build_once

DATA = Path("data/a.txt")
RAW = "raw\n"  # its content

Restore = Callable[[], list[str]]


def run_in(folder: Path) -> None:
    project = Project.create(folder / "project")
    project.git("config", "user.name", "Tester")
    project.git("config", "user.email", "tester@localhost")
    project.run_and_commit(TINY_FILES)


@pytest.fixture
def project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Change to a copy of a project with two stages, after `dvc repro` and a commit."""
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.delenv("NOISE", raising=False)
    template = build_once(tmp_path_factory, "restore", run_in)
    shutil.copytree(template / "project", tmp_path / "a project", symlinks=True)
    monkeypatch.chdir(tmp_path / "a project")
    return Project(tmp_path / "a project")


@pytest.fixture
def restore(project: Project, capfd: pytest.CaptureFixture[str]) -> Restore:
    """Return a function that restores the project, checks that nothing differs, and returns what was printed before."""

    def run() -> list[str]:
        capfd.readouterr()
        assert main([]) == 0
        lines = capfd.readouterr().out.splitlines()
        assert "outputs match dvc.lock" in lines[-1]
        assert DATA.read_text() == Path("report.txt").read_text() == RAW
        assert project.git("symbolic-ref", "--short", "HEAD") == "main\n"
        assert main([]) == 0
        assert capfd.readouterr().out.splitlines() == lines[-1:]
        return lines[:-1]

    return run


@pytest.fixture
def unchanged(project: Project, restore: Restore) -> Callable[[], list[str]]:
    """Return a function that restores the project and also checks that `git status` is clean."""

    def run() -> list[str]:
        lines = restore()
        assert project.git("status", "--porcelain") == ""
        return lines

    return run
