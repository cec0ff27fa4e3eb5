"""Fixtures: a folder in which single stages run, synthetic data, and clones of the project for dvc."""

import fcntl
import os
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from stages.shared.split import Split, write_split
from tests import chromium
from tests.chromium import Tab
from tests.clone import ROOT, Clone, run_on_digits, update_parameters

MNIST_MIRROR = os.environ.get("MNIST_MIRROR", "")
if MNIST_MIRROR and "://" not in MNIST_MIRROR:
    MNIST_MIRROR = str(Path(MNIST_MIRROR).resolve())
needs_mnist = pytest.mark.skipif(not MNIST_MIRROR, reason="MNIST_MIRROR is not set")

MAKE_RUN = ("make", "--assume-old=requirements.lock", "run")
# These run the pipeline, or an emulator.
SLOW_FIXTURES = {"clone", "digits", "digits_run", "mnist_run", "outputs", "scene"}

SetParameters = Callable[..., None]
RunStage = Callable[[str], None]
FailStage = Callable[[str], str]
WriteSplits = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make test-fast` leaves out."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to a folder where a stage can run."""
    prepare_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    with mock.patch.dict(os.environ):  # a stage changes it
        yield tmp_path


def prepare_project(folder: Path) -> None:
    """Write what stages read besides data: the project's YAML files, links to its code, and validated parameters."""
    for name in ("params.yaml", "dvc.yaml", "versions.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, folder)
    for name in ("runtime", "stages"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "data").mkdir()
    (folder / "data/parameters.valid").touch()


@pytest.fixture
def set_parameters(project: Path) -> SetParameters:
    """Return a function that changes keys of params.yaml."""

    def change(**changes: object) -> None:
        update_parameters(project / "params.yaml", changes)

    return change


@pytest.fixture
def run_stage(project: Path) -> RunStage:
    """Return a function that runs a stage in this process, as `python -m stages.NAME` does."""
    assert project == Path.cwd()

    def run(name: str) -> None:
        with mock.patch.object(sys, "argv", [name]):
            runpy.run_module(f"stages.{name}", run_name="__main__", alter_sys=True)

    return run


@pytest.fixture
def fail_stage(run_stage: RunStage, capsys: pytest.CaptureFixture[str]) -> FailStage:
    """Return a function that runs a stage that must fail, and returns its one line on standard error."""

    def fail(name: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            run_stage(name)
        # sys.exit prints a text that it is called with when the interpreter ends.
        text = caught.value.code if isinstance(caught.value.code, str) else capsys.readouterr().err.removesuffix("\n")
        assert text.startswith("error: ")
        assert "\n" not in text
        return text.removeprefix("error: ")

    return fail


@pytest.fixture
def write_splits(project: Path) -> WriteSplits:
    """Return a function that writes splits of random images, as normalize does."""

    def write(train: int = 200, validation: int = 40, test: int = 60) -> None:
        folder = project / "data/normalized"
        folder.mkdir(parents=True, exist_ok=True)
        for seed, (name, size) in enumerate({"train": train, "validation": validation, "test": test}.items()):
            write_split(folder / f"{name}.safetensors", make_split(size, seed))

    return write


def make_split(size: int, seed: int) -> Split:
    """Make images of noise in which row 2 * label is bright."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, size)
    images = generator.uniform(-1, -0.5, (size, 28, 28)).astype(np.float32)
    images[np.arange(size), 2 * labels] += 1
    return Split(images, labels)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Return a tab of Chromium."""
    if chromium.BROWSER is None:
        pytest.skip("needs Chromium or Chrome")
    with chromium.start(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Return a clone of the working tree, in a folder with a space in its path."""
    return Clone.of_working_tree(tmp_path / "a clone")


def build_once(tmp_path_factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """Return a folder that `build` has filled in the first worker of pytest-xdist that needs it; the others wait."""
    parent = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        parent = parent.parent
    folder, complete = parent / name, parent / f"{name}.complete"
    with (parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            complete.touch()
    return folder


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Return a clone in which the pipeline ran on the digits, with small settings, and the result is committed."""
    return Clone(build_once(tmp_path_factory, "digits", lambda folder: run_on_digits(folder / "clone")) / "clone")


@pytest.fixture(scope="session")
def mnist_run(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Return a clone in which `make run` ran on MNIST with the defaults; make_run.txt beside it has the output.

    With eight real threads: MKL and libgomp use no more than there are cores unless MKL_DYNAMIC=FALSE.
    """
    threads = {"OMP_NUM_THREADS": "8", "MKL_DYNAMIC": "FALSE", "OMP_WAIT_POLICY": "PASSIVE"}
    environment = {"MNIST_MIRROR": MNIST_MIRROR} | threads

    def build(folder: Path) -> None:
        clone = Clone.of_working_tree(folder / "a clone")
        clone.environment |= environment
        (folder / "make_run.txt").write_text(clone.run(*MAKE_RUN).stdout)

    clone = Clone(build_once(tmp_path_factory, "mnist", build) / "a clone")
    clone.environment |= environment
    return clone


@pytest.fixture
def digits(digits_run: Clone, tmp_path: Path) -> Clone:
    """Return a copy of `digits_run`, with its cache."""
    return digits_run.copy(tmp_path / "a clone")
