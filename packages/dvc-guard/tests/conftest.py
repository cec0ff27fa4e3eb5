"""Fixtures: copies of a small DVC project, and functions that check and restore it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dvc_guard.checks.command_line import main as check
from dvc_guard.cli import COMMANDS
from dvc_guard.restore.command_line import main as restore_project
from foreign_project import FILES, RAW, Project, Restore, RunCheck
from states.template import isolate


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a project with two stages, run `dvc repro` and commit. Tests use copies of it."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder)
        Project.create(folder / "project").run_and_commit(FILES)
    return folder / "project"


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder."""
    isolate(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def project(template: Path, empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Change to a copy of the project."""
    folder = empty_folder / "a project"
    shutil.copytree(template, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return Project(folder)


@pytest.fixture
def run_check(capfd: pytest.CaptureFixture[str]) -> RunCheck:
    """Return a function that runs `dvc-guard NAME --json` and returns the parsed result."""

    def run(name: str, *arguments: str) -> dict[str, Any]:
        assert name in COMMANDS
        capfd.readouterr()
        status = check(name, [*arguments, "--json"])
        result: dict[str, Any] = json.loads(capfd.readouterr().out)
        assert result["status"] == status
        return result

    return run


@pytest.fixture
def restore(project: Project, capfd: pytest.CaptureFixture[str]) -> Restore:
    """Return a function that restores the project, checks the outputs, and returns what was printed before."""

    def run() -> list[str]:
        capfd.readouterr()
        assert restore_project("restore", []) == 0
        lines = capfd.readouterr().out.splitlines()
        assert "outputs match dvc.lock" in lines[-1]
        assert Path("data/a.txt").read_text() == Path("report.txt").read_text() == RAW
        assert project.git("symbolic-ref", "--short", "HEAD") == "main\n"
        found, saved = lines[:-2], lines[-2:-1]
        assert all(line.startswith("What was there before is saved in ") for line in saved)
        return found

    return run


@pytest.fixture
def unchanged(project: Project, restore: Restore) -> Restore:
    """Return a function that restores the project and also checks that `git status` is clean."""

    def run() -> list[str]:
        lines = restore()
        assert project.git("status", "--porcelain") == ""
        return lines

    return run
