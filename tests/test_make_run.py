"""`make run`, the first command of the README."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.clone import ROOT, Clone, git, list_stages_run, read_head
from tests.conftest import needs_mnist
from tests.faults.scene import assert_one_error
from tests.faults.scene import read_outputs as read_files

STAGES = {"download", "normalize", "train", "evaluate", "export"}  # each depends on the data set


def read_outputs(lock: str) -> dict[str, str]:
    stages: dict[str, Any] = YAML(typ="safe").load(lock)["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}


@needs_mnist
def test_mnist_gives_the_committed_outputs(mnist_run: Clone) -> None:
    output = (mnist_run.folder.parent / "make_run.txt").read_text()
    assert set(list_stages_run(output)) >= STAGES
    assert "Installing" not in output
    assert "| accuracy" in output
    assert "up to date" in mnist_run.run("dvc", "status").stdout
    if git("status", "--porcelain", "dvc.yaml", "stages", "versions.yaml"):
        pytest.skip("code is not committed: dvc.lock of HEAD may be of other code")
    committed = read_outputs(read_head("dvc.lock"))
    assert read_outputs((mnist_run.folder / "dvc.lock").read_text()) == committed


def test_without_mnist_it_trains_on_the_digits(digits_run: Clone) -> None:
    """It says why the mirror that it was given is not used."""
    output = (digits_run.folder.parent / "make_run.txt").read_text()
    assert f"mirror {digits_run.folder.parent}/mnist/ does not serve " in output
    assert "Traceback" not in output
    assert "No MNIST mirror is reachable" in output
    assert set(list_stages_run(output)) >= STAGES
    assert json.loads((digits_run.folder / "metrics/metrics.json").read_text())["accuracy"] >= 0.95


def test_what_the_user_can_correct_leaves_outputs_as_they_are(light: Clone) -> None:
    before = read_files(light)
    run = light.run("dvc", "exp", "run", "-S", "lr=0", check=False)
    assert list_stages_run(run.stdout) == ["validate"]
    assert_one_error(run.stderr)
    assert "error: params.yaml: lr: 0 is not allowed" in run.stderr
    light.set_parameters(lr=0.1, dataset="mnist")
    run = light.make("run", check=False, MNIST_MIRROR="mnist/relative")
    assert run.returncode != 0
    assert "error: MNIST_MIRROR" in run.stderr
    assert list_stages_run(run.stdout) == []
    assert read_files(light) == before


@pytest.mark.parametrize(("interpreter", "is_created"), [("/bin/sh", False), ("/old/place/.venv/bin/python", True)])
def test_environment_of_a_moved_project_is_created_again(tmp_path: Path, interpreter: str, *, is_created: bool) -> None:
    for name in ("Makefile", "requirements.lock", "packages/dvc-guard/pyproject.toml", ".dvc/plots/page.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    program = tmp_path / ".venv/bin/dvc-guard"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{interpreter}\n")
    program.chmod(0o755)
    for name in (".venv/.created", ".venv/.installed"):
        (tmp_path / name).touch()
    commands = subprocess.run(["make", "--dry-run", "setup"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ("venv --clear" in commands.stdout) == is_created


OTHER_ENVIRONMENT = {
    "MKL_DYNAMIC": "FALSE",  # or MKL takes at most as many threads as there are cores
    "OMP_WAIT_POLICY": "PASSIVE",
    "OMP_NUM_THREADS": "3",
    "MKL_NUM_THREADS": "3",
    "OPENBLAS_NUM_THREADS": "8",
    "MKL_VML_DEBUG_CPU_TYPE": "9",
    "PYTHONSAFEPATH": "1",
    "PYTHONHASHSEED": "12345",
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "POSIX",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONUTF8": "0",
}


def test_environment_does_not_change_outputs(digits: Clone) -> None:
    """Threads, locale, time zone and hash seed."""
    digits.environment |= OTHER_ENVIRONMENT
    run = digits.run("dvc", "repro", "--force", "--no-run-cache")
    assert set(list_stages_run(run.stdout)) >= STAGES
    assert digits.run("git", "status", "--porcelain").stdout == ""
