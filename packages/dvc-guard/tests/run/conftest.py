"""Fixtures: copies of a DVC project whose stages are guarded."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from run.stage_project import FILES, StageProject

PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def stage_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a project, run its stages and commit."""
    folder = tmp_path_factory.mktemp("stages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", PATH)
        patch.setenv("HOME", str(folder))
        patch.setenv("DVC_SITE_CACHE_DIR", str(folder / "site"))
        project = StageProject.create(folder / "project")
        project.git("config", "user.name", "Tester")
        project.git("config", "user.email", "tester@localhost")
        for name, text in FILES.items():
            project.write(name, text)
        process = project.dvc("repro")
        assert process.returncode == 0, process.stdout
        project.commit()
    return folder / "project"


@pytest.fixture
def stages(stage_template: Path, empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> StageProject:
    """Change to a copy of the project."""
    monkeypatch.setenv("PATH", PATH)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    folder = empty_folder / "a project"
    shutil.copytree(stage_template, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return StageProject(folder)
