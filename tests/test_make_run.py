"""`make run`, the first command of the README."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from docs.tables import read_yaml
from tests.clone import ROOT, Clone, git, list_stages_run, read_head
from tests.conftest import needs_mnist

ALL_STAGES = sorted(read_yaml("dvc.yaml")["stages"])


def read_outputs(lock: str) -> dict[str, str]:
    """Read the hashes of all outputs from the text of a dvc.lock."""
    stages: dict[str, Any] = YAML(typ="safe").load(lock)["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}


@needs_mnist
def test_mnist_gives_the_committed_outputs(mnist_run: Clone) -> None:
    output = (mnist_run.folder.parent / "make_run.txt").read_text()
    stages = {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage '")}
    assert {"download", "normalize", "train", "evaluate", "export"} <= stages
    assert "Installing" not in output
    assert "| accuracy" in output
    assert "up to date" in mnist_run.run("dvc", "status").stdout
    assert list_stages_run(mnist_run.make("run")) == []
    if git("status", "--porcelain", "dvc.yaml", "stages", "versions.yaml"):
        pytest.skip("code is not committed: dvc.lock of HEAD may be of other code")
    committed = read_outputs(read_head("dvc.lock"))
    assert read_outputs((mnist_run.folder / "dvc.lock").read_text()) == committed


def test_without_mnist_it_trains_on_the_digits(clone: Clone, tmp_path: Path) -> None:
    """It says why the mirror that it was given is not used."""
    no_network = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    clone.environment |= no_network | {"MNIST_MIRROR": str(tmp_path / "mnist")}
    (clone.folder / "CONTRIBUTING.md").write_text("An uncommitted edit.\n")  # needs an author, and Git has none
    run = clone.make("run")
    assert f"{tmp_path}/mnist" in run.stderr
    assert "Traceback" not in run.stderr
    assert "No MNIST mirror is reachable" in run.stdout
    assert sorted(list_stages_run(run)) == ALL_STAGES
    assert json.loads((clone.folder / "metrics/metrics.json").read_text())["accuracy"] >= 0.95
    again = clone.make("run")
    assert list_stages_run(again) == []
    assert "No MNIST mirror" not in again.stdout


@pytest.mark.parametrize(
    ("mirror", "dataset", "error"),
    [
        ("", "mnits", "error: params.yaml: dataset: 'mnits' is not allowed"),
        ("mnist/relative", "mnist", "error: MNIST_MIRROR"),
    ],
    ids=["parameter", "mirror"],
)
def test_reports_what_the_user_can_correct(clone: Clone, mirror: str, dataset: str, error: str) -> None:
    clone.set_parameters(dataset=dataset)
    before = clone.run("git", "status", "--porcelain").stdout
    run = clone.make("run", check=False, MNIST_MIRROR=mirror)
    assert run.returncode != 0
    assert error in run.stderr
    assert list_stages_run(run) == []
    assert clone.run("git", "status", "--porcelain").stdout == before


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
    assert sorted(list_stages_run(run)) == ALL_STAGES
    assert digits.run("git", "status", "--porcelain").stdout == ""
