"""Fixtures: a browser, and clones of the project for dvc. Temporary files are in memory, where there is room."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import chromium
from tests.chromium import Tab
from tests.clone import Clone, lighten, run_on_digits

MNIST_MIRROR = os.environ.get("MNIST_MIRROR", "")
if MNIST_MIRROR and "://" not in MNIST_MIRROR:
    MNIST_MIRROR = str(Path(MNIST_MIRROR).resolve())
needs_mnist = pytest.mark.skipif(not MNIST_MIRROR, reason="MNIST_MIRROR is not set")

# DVC's databases wait for the disk at each of their transactions.
MEMORY = "/dev/shm"  # noqa: S108
if Path(MEMORY).is_dir() and shutil.disk_usage(MEMORY).free > 2**32 and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)

# These run the pipeline, or an emulator.
SLOW_FIXTURES = {"clone", "digits", "digits_run", "light", "mnist_run"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make test-fast` leaves out."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


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
        (folder / "make_run.txt").write_text(clone.make("run").stdout)

    clone = Clone(build_once(tmp_path_factory, "mnist", build) / "a clone")
    clone.environment |= environment
    return clone


@pytest.fixture(scope="session")
def light_run(tmp_path_factory: pytest.TempPathFactory, digits_run: Clone) -> Clone:
    """Return a copy of `digits_run` with stand-ins for the stages that import torch: for tests of DVC alone."""

    def build(folder: Path) -> None:
        lighten(digits_run.copy(folder / "clone"), digits_run)

    return Clone(build_once(tmp_path_factory, "light", build) / "clone")


@pytest.fixture
def light(light_run: Clone, tmp_path: Path) -> Clone:
    """Return a copy of `light_run`, with its cache."""
    return light_run.copy(tmp_path / "a clone")


@pytest.fixture
def digits(digits_run: Clone, tmp_path: Path) -> Clone:
    """Return a copy of `digits_run`, with its cache."""
    return digits_run.copy(tmp_path / "a clone")
