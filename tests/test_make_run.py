"""`make run`, the first command of the README."""

import json

from tests.clone import Clone, list_stages_run
from tests.conftest import MAKE_RUN, needs_mnist

ALL_STAGES = ["validate", "download", "normalize", "train", "evaluate", "export"]


@needs_mnist
def test_mnist_gives_the_committed_lock(mnist_run: Clone) -> None:
    output = (mnist_run.folder.parent / "make_run.txt").read_text()
    assert [line for line in output.splitlines() if line.startswith("Running stage")] == [
        f"Running stage '{stage}':" for stage in ALL_STAGES
    ]
    assert "Setting up" not in output
    assert "| accuracy" in output
    assert "up to date" in mnist_run.run("dvc", "status").stdout
    assert mnist_run.run("git", "status", "--porcelain").stdout == ""
    again = mnist_run.run(*MAKE_RUN)
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
    assert list_stages_run(run) == ALL_STAGES
    assert digits.run("git", "status", "--porcelain").stdout == ""
