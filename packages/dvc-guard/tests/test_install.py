"""The package outside this repository: in the GitHub Action, and installed from a wheel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from foreign_project import Project

PACKAGE = Path(__file__).parent.parent


def run(*command: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    variables = os.environ | environment
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        ({"ALLOW": "0.1\nloss=0.2\n", "DIRECTION": "loss=any"}, 0),
        ({"ALLOW": "$(touch injected)"}, 2),
        ({"BASE": "`touch injected`"}, 2),
    ],
    ids=["options", "allow", "base"],
)
def test_action_passes_inputs_as_arguments(project: Project, inputs: dict[str, str], status: int) -> None:
    summary = project.folder.parent / "summary.md"
    environment = {"PYTHON": sys.executable, "CHECK": "gate", "BASE": "HEAD", "GITHUB_STEP_SUMMARY": str(summary)}
    process = run(PACKAGE / "action.sh", **environment | inputs)
    assert process.returncode == status, process.stderr
    assert summary.exists() == ("ALLOW" not in inputs or status == 0), "argparse exits before the check"
    assert not list(project.folder.glob("injected"))


def test_action_ignores_package_of_same_name(project: Project) -> None:
    project.write("dvc_guard/__main__.py", "raise SystemExit(3)\n")
    project.write("dvc_guard/__init__.py", "")
    process = run(PACKAGE / "action.sh", PYTHON=sys.executable, CHECK="cache", PYTHONPATH="")
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("cache passed: ")


@pytest.mark.skipif("TEST_INSTALL" not in os.environ, reason="TEST_INSTALL is not set: it installs DVC, in two minutes")
def test_wheel_in_empty_environment(project: Project, tmp_path: Path) -> None:
    source = shutil.copytree(PACKAGE, tmp_path / "source", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    bin_folder = tmp_path / "venv/bin"
    environment = {"PYTHONPATH": "", "PATH": f"{bin_folder}:{os.environ['PATH']}"}

    def succeed(*command: str | Path) -> None:
        process = run(*command, **environment)
        assert process.returncode == 0, process.stdout + process.stderr

    succeed(sys.executable, "-m", "venv", tmp_path / "venv")
    succeed("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "wheels", source)
    [wheel] = (tmp_path / "wheels").glob("dvc_guard-*.whl")
    succeed("pip", "install", "--quiet", wheel)
    assert run("python", "-c", "import torch", **environment).returncode == 1

    for script in ("prepare.sh", "score.sh"):
        project.replace("dvc.yaml", f"sh {script}", f"dvc-guard run sh {script}")
    succeed("dvc", "repro")
    project.commit()
    succeed("dvc-guard", "all")
    succeed("dvc-guard", "gate", "--base", "HEAD")
    project.delete("report.txt")
    succeed("dvc-guard", "restore")
    assert Path("report.txt").exists()
    project.replace("params.yaml", "90", "91")
    project.commit()
    assert run("dvc-guard", "fresh", **environment).returncode == 1
    assert run("dvc-guard", "plots-page", **environment).returncode == 1
