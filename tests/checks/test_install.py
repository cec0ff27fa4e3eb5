"""The checks outside this project: as a copied folder, in the GitHub Action, and installed from a wheel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.project import Project
from tests.clone import ROOT

IGNORED = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | environment
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=300)


def test_copied_folder_may_have_any_name(tiny_project: Project) -> None:
    shutil.copytree(ROOT / "checks", tiny_project.folder / "ci", ignore=IGNORED)
    process = run(sys.executable, "-m", "ci", "cache", "--help", PYTHONPATH="")
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("usage: python -m ci cache")


@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        ({"ALLOW": "0.1\nloss=0.2\n", "DIRECTION": "loss=any"}, 0),
        ({"ALLOW": "$(touch injected)"}, 2),
        ({"BASE": "`touch injected`"}, 2),
    ],
    ids=["options", "allow", "base"],
)
def test_action_passes_inputs_as_arguments(tiny_project: Project, inputs: dict[str, str], status: int) -> None:
    summary = tiny_project.folder.parent / "summary.md"
    environment = {"PYTHON": sys.executable, "CHECK": "gate", "BASE": "HEAD", "GITHUB_STEP_SUMMARY": str(summary)}
    process = run(ROOT / "checks/action.sh", **environment | inputs)
    assert process.returncode == status, process.stderr
    assert summary.exists() == ("ALLOW" not in inputs or status == 0), "argparse exits before the check"
    assert not list(tiny_project.folder.glob("injected"))


def test_action_ignores_package_of_same_name(tiny_project: Project) -> None:
    tiny_project.write("checks/__main__.py", "raise SystemExit(3)\n")
    tiny_project.write("checks/__init__.py", "")
    process = run(ROOT / "checks/action.sh", PYTHON=sys.executable, CHECK="cache", PYTHONPATH="")
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("cache passed: ")


@pytest.mark.skipif("TEST_INSTALL" not in os.environ, reason="TEST_INSTALL is not set: it installs DVC, in two minutes")
def test_wheel_in_empty_environment(tiny_project: Project, tmp_path: Path) -> None:
    source = shutil.copytree(ROOT / "checks", tmp_path / "source", ignore=IGNORED)
    python = tmp_path / "venv/bin/python"
    assert run(sys.executable, "-m", "venv", tmp_path / "venv").returncode == 0
    process = run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "wheels", source)
    assert process.returncode == 0, process.stderr
    [wheel] = (tmp_path / "wheels").glob("dvc_checks-*.whl")
    process = run(python, "-m", "pip", "install", "--quiet", wheel)
    assert process.returncode == 0, process.stderr
    assert run(python, "-c", "import torch").returncode == 1
    program = tmp_path / "venv/bin/dvc-checks"
    for arguments in (["all"], ["gate", "--base", "HEAD"]):
        process = run(program, *arguments, PYTHONPATH="")
        assert process.returncode == 0, process.stdout + process.stderr
    tiny_project.replace("params.yaml", "90", "91")
    tiny_project.commit()
    assert run(program, "fresh", PYTHONPATH="").returncode == 1
