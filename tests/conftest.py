"""Fixtures: a folder with the project's YAML files, small synthetic data, and a clone for real dvc."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from ruamel.yaml import YAML

from stages.shared.split import Split, write_split

ROOT = Path(__file__).parent.parent

MNIST_MIRROR = os.environ.get("MNIST_MIRROR", "")
if MNIST_MIRROR and "://" not in MNIST_MIRROR:
    MNIST_MIRROR = str(Path(MNIST_MIRROR).resolve())
needs_mnist = pytest.mark.skipif(not MNIST_MIRROR, reason="MNIST_MIRROR is not set: no real MNIST")

SetParameters = Callable[..., None]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change into a folder with the project's params.yaml, and undo what a stage changes of the environment."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    with mock.patch.dict(os.environ):
        yield tmp_path


@pytest.fixture
def set_parameters(project: Path) -> SetParameters:
    """Return a function that changes keys of the params.yaml of `project`."""

    def change(**changes: object) -> None:
        update_parameters(project / "params.yaml", changes)

    return change


def update_parameters(path: Path, changes: dict[str, object]) -> None:
    """Change keys of a params.yaml; comments stay."""
    yaml = YAML()
    parameters = yaml.load(path)
    parameters.update(changes)
    yaml.dump(parameters, path)


@pytest.fixture
def write_splits(project: Path) -> Callable[..., None]:
    """Return a function that writes splits of random images into `project`; a class is a bright row of its own."""

    def write(train: int = 200, validation: int = 40, test: int = 60) -> None:
        folder = project / "data/normalized"
        folder.mkdir(parents=True, exist_ok=True)
        for seed, (name, size) in enumerate({"train": train, "validation": validation, "test": test}.items()):
            write_split(folder / f"{name}.safetensors", make_split(size, seed))

    return write


def make_split(size: int, seed: int) -> Split:
    """Make images of noise in which the row 2 * label is bright."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, size)
    images = generator.uniform(-1, -0.5, (size, 28, 28)).astype(np.float32)
    images[np.arange(size), 2 * labels] += 1
    return Split(images, labels)


class Clone:
    """A Git repository with the files of the working tree, where dvc and make run as a user's would."""

    def __init__(self, folder: Path) -> None:
        """Take the repository in `folder` as it is."""
        self.folder = folder
        self.environment = {
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "HOME": str(folder.parent / "home"),  # no identity for Git, no settings for DVC
            "GIT_CONFIG_NOSYSTEM": "1",
            "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
        }

    @classmethod
    def of_working_tree(cls, folder: Path) -> "Clone":
        """Make a repository of what Git tracks or would track, committed."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / ".venv").symlink_to(sys.prefix)
        clone = cls(folder)
        clone.run("git", "init", "--quiet", "--initial-branch=main")
        clone.commit("Begin")
        return clone

    def copy(self, folder: Path) -> "Clone":
        """Copy the repository with all that it has: its cache, and the links to that."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", self.folder, folder], check=True)
        return Clone(folder)

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command without a terminal; with `check`, a failure shows all that it printed."""
        process = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and process.returncode:
            pytest.fail(f"{command} exited with {process.returncode}:\n{process.stdout}\n{process.stderr}")
        return process

    def start_queue(self, *options: str) -> None:
        """Start workers of DVC's queue. They would keep pipes open until they end, so they get none."""
        subprocess.run(
            ["dvc", "queue", "start", *options],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "--all")
        identity = ("-c", "user.name=Tester", "-c", "user.email=tester@localhost")
        self.run("git", *identity, "commit", "--quiet", "--allow-empty", "--message", message)

    def set_parameters(self, **changes: object) -> None:
        """Change keys of params.yaml."""
        update_parameters(self.folder / "params.yaml", changes)

    def identify(self) -> None:
        """Give Git an identity, as DVC wants for experiments in a changed tree."""
        self.run("git", "config", "user.name", "Tester")
        self.run("git", "config", "user.email", "tester@localhost")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Return a clone of the working tree, in a folder whose path has a space."""
    return Clone.of_working_tree(tmp_path / "a clone")


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Run the pipeline on the digits, small and with one thing or another to improve, and commit what it gives."""
    clone = Clone.of_working_tree(tmp_path_factory.mktemp("digits") / "a clone")
    clone.set_parameters(dataset="digits", validation_size=150, epochs=3, hidden_sizes=[16], lr=0.5, momentum=0.8)
    clone.identify()
    clone.run("dvc", "repro")
    clone.commit("Run on the digits")
    return clone


@pytest.fixture
def digits(digits_run: Clone, tmp_path: Path) -> Clone:
    """Return a copy of `digits_run`, with its cache."""
    return digits_run.copy(tmp_path / "a clone")


def stages_run(process: subprocess.CompletedProcess[str]) -> list[str]:
    """List the stages that `dvc repro` or `dvc exp run` ran, from what it printed."""
    lines = process.stdout.splitlines()
    return [line.split("'")[1] for line in lines if line.startswith("Running stage '")]
