"""Fixtures: copies of small DVC projects, and a function that runs a check."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.command_line import main
from tests.checks.project import Project
from tests.checks.project_files import FULL_FILES, TINY_FILES

JsonResult = dict[str, Any]
RunCheck = Callable[..., JsonResult]


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create the projects once. Tests use copies of them."""
    folder = tmp_path_factory.mktemp("templates")
    with pytest.MonkeyPatch.context() as patch:
        isolate_environment(patch, folder)
        Project.create(folder / "tiny").run_and_commit(TINY_FILES)
        (folder / "outside.txt").write_text("outside\n")
        full_project = Project.create(folder / "full")
        full_project.dvc_add("raw.csv", "raw\n")
        full_project.run_and_commit(FULL_FILES)
        full_project.replace("dvc.yaml", "frozen: false", "frozen: true")
        full_project.commit()
    return folder


def isolate_environment(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Hide the Git and DVC settings of the user, and unset environment variables that affect the checks."""
    patch.setenv("HOME", str(folder))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("GIT_CEILING_DIRECTORIES", str(folder))
    patch.setenv("DVC_SITE_CACHE_DIR", str(folder / "site"))
    for name in ("NOISE", "GITHUB_STEP_SUMMARY", "XDG_CONFIG_HOME"):
        patch.delenv(name, raising=False)


@pytest.fixture
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty directory."""
    isolate_environment(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny_project(templates: Path, empty_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Change to a project with two stages, after `dvc repro` and a commit."""
    return copy_project(templates / "tiny", empty_directory / "a project", monkeypatch)


@pytest.fixture
def full_project(templates: Path, empty_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Change to a project that uses all features of dvc.yaml, after `dvc repro` and a commit."""
    shutil.copy(templates / "outside.txt", empty_directory)
    return copy_project(templates / "full", empty_directory / "a project", monkeypatch)


def copy_project(template: Path, folder: Path, patch: pytest.MonkeyPatch) -> Project:
    """Copy a project and change to the copy."""
    shutil.copytree(template, folder)
    patch.chdir(folder)
    return Project(folder)


@pytest.fixture
def run_check(capfd: pytest.CaptureFixture[str]) -> RunCheck:
    """Return a function that runs `python -m checks` with --json and returns the parsed result."""

    def run(*arguments: str) -> JsonResult:
        capfd.readouterr()
        status = main([*arguments, "--json"])
        result: JsonResult = json.loads(capfd.readouterr().out)
        assert result["status"] == status
        return result

    return run
