"""`make run`, the first command of the README."""

import json

import pytest

from tests.clone import Clone, list_stages_run
from tests.conftest import MNIST_MIRROR, needs_mnist

ALL_STAGES = ["validate", "download", "normalize", "train", "evaluate"]
MAKE_RUN = ("make", "--assume-old=requirements.lock", "run")


@needs_mnist
def test_mnist_gives_the_committed_lock(clone: Clone) -> None:
    """With eight real threads: MKL and libgomp use no more than there are cores unless MKL_DYNAMIC=FALSE."""
    threads = {"OMP_NUM_THREADS": "8", "MKL_DYNAMIC": "FALSE", "OMP_WAIT_POLICY": "PASSIVE"}
    clone.environment |= {"MNIST_MIRROR": MNIST_MIRROR} | threads
    run = clone.run(*MAKE_RUN)
    assert list_stages_run(run) == ALL_STAGES
    assert "Setting up" not in run.stdout
    assert "| accuracy" in run.stdout
    assert "up to date" in clone.run("dvc", "status").stdout
    assert clone.run("git", "status", "--porcelain").stdout == ""
    again = clone.run(*MAKE_RUN)
    assert list_stages_run(again) == []


def test_without_mnist_it_trains_on_the_digits(clone: Clone) -> None:
    clone.environment |= {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # no network
    (clone.folder / "CONTRIBUTING.md").write_text("An uncommitted edit.\n")  # needs an author, and Git has none
    run = clone.run(*MAKE_RUN)
    assert "No MNIST mirror is reachable" in run.stdout
    assert "error: " not in run.stderr
    assert list_stages_run(run) == ALL_STAGES
    assert json.loads((clone.folder / "metrics/metrics.json").read_text())["accuracy"] >= 0.95
    again = clone.run(*MAKE_RUN)
    assert list_stages_run(again) == []
    assert "No MNIST mirror" not in again.stdout


def test_reports_bad_parameter(clone: Clone) -> None:
    clone.set_parameters(dataset="mnits")
    run = clone.run(*MAKE_RUN, check=False)
    assert run.returncode != 0
    assert "error: params.yaml: dataset: 'mnits' is not allowed" in run.stderr
    assert "dataset: mnits" in (clone.folder / "params.yaml").read_text()


ENVIRONMENTS = {
    "3 threads": {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3", "MKL_VML_DEBUG_CPU_TYPE": "9"},
    "8 threads": {
        "OMP_NUM_THREADS": "8",
        "OPENBLAS_NUM_THREADS": "8",
        "PYTHONSAFEPATH": "1",
        "PYTHONHASHSEED": "12345",
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "POSIX",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    },
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_does_not_change_outputs(digits: Clone, name: str) -> None:
    """Threads, locale, time zone and hash seed."""
    digits.environment |= {"MKL_DYNAMIC": "FALSE", "OMP_WAIT_POLICY": "PASSIVE"} | ENVIRONMENTS[name]
    run = digits.run("dvc", "repro", "--force", "--no-run-cache")
    assert list_stages_run(run) == ALL_STAGES
    assert digits.run("git", "status", "--porcelain").stdout == ""
