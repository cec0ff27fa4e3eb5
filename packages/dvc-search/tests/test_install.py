"""The wheel in an environment of its own, used in a project that has never heard of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from consistency import list_refs
from search_project import Project

PACKAGE = Path(__file__).parent.parent


@pytest.mark.skipif("TEST_INSTALL" not in os.environ, reason="TEST_INSTALL is not set: it installs DVC, in minutes")
def test_wheel_in_empty_environment(project: Project, tmp_path: Path) -> None:
    source = shutil.copytree(PACKAGE, tmp_path / "source", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    venv = tmp_path / "venv"

    def run(*command: str | Path) -> None:
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stdout + process.stderr

    run(sys.executable, "-m", "venv", venv)
    run(venv / "bin/pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "wheels", source)
    (wheel,) = (tmp_path / "wheels").glob("dvc_search-*.whl")
    run(venv / "bin/pip", "install", "--quiet", wheel)

    project.environment["PATH"] = f"{venv}/bin:{os.environ['PATH']}"
    project.change("search.yaml", trials=12)  # enough for the importance of parameters
    project.commit("Search")
    output = project.run("dvc-search", "--jobs", "2").stdout
    assert "best of 12 trials by validation.score:" in output
    assert len(list_refs(project.folder)) == 12
    page = (project.folder / ".dvc/tmp/search/trial.html").read_text()
    assert "cannot be drawn" not in page
    assert page.count("Plotly.newPlot") > 5
