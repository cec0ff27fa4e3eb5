"""Fixtures of the tests of stages: a folder where a stage runs in this process, fixed parameters, synthetic data."""

import os
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import threadpoolctl  # type: ignore[import-untyped]
import torch
from ruamel.yaml import YAML

from stages.shared.datasets import Dataset
from stages.shared.parameters import AnyParameters, TrainParameters
from stages.shared.splits import Split, write_split
from tests.clone import ROOT, update_parameters

# The tests do not depend on the values of params.yaml; it may have other keys.
PARAMETERS: dict[str, object] = {
    "dataset": "mnist",
    "image_size": 0,
    "channels": 1,
    "mean": 0.5,
    "std": 0.5,
    "validation_size": 5000,
    "seed": 0,
    "loss": "cross_entropy",
    "optimizer": "sgd",
    "lr": 0.01,
    "momentum": 0,
    "weight_decay": 0,
    "batch_size": 64,
    "epochs": 10,
    "schedule": "constant",
    "augment": "none",
    "patience": 0,
    "numerics": "portable",
    "hidden_sizes": [128, 64],
}

DATASET = Dataset(
    name="mnist",
    classes=tuple("0123456789"),
    channels=1,
    height=28,
    width=28,
    mean=0.5,
    std=0.5,
    ink_size=20,
    ink_center="mass",
)

SetParameters = Callable[..., None]
RunStage = Callable[..., None]
FailStage = Callable[[str], str]
WriteSplits = Callable[..., None]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute with one thread, as the stages do: the networks are small, and pytest-xdist uses the other cores."""
    with threadpoolctl.threadpool_limits(1):
        yield


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to a folder where a stage can run."""
    prepare_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    with mock.patch.dict(os.environ):  # a stage changes it
        yield tmp_path


def prepare_project(folder: Path) -> None:
    """Write what stages read besides data, and a link to their code."""
    shutil.copy(ROOT / "dvc.yaml", folder)
    shutil.copy(ROOT / "params.yaml", folder)
    update_parameters(folder / "params.yaml", PARAMETERS)
    for package in ("stages", "predict"):  # export writes the rules of predict into its page
        (folder / package).symlink_to(ROOT / package)
    (folder / "data/images").mkdir(parents=True)


@pytest.fixture
def set_parameters(project: Path) -> SetParameters:
    """Return a function that changes keys of params.yaml."""

    def change(**changes: object) -> None:
        update_parameters(project / "params.yaml", changes)

    return change


@pytest.fixture
def run_stage(project: Path, monkeypatch: pytest.MonkeyPatch) -> RunStage:
    """Return a function that runs a stage in this process, as `python -m stages.NAME` does."""
    assert project == Path.cwd()

    def run(name: str, *arguments: str) -> None:
        monkeypatch.delitem(sys.modules, f"stages.{name}", raising=False)  # of a test that imports its functions
        with mock.patch.object(sys, "argv", [name, *arguments]):
            runpy.run_module(f"stages.{name}", run_name="__main__", alter_sys=True)

    return run


@pytest.fixture
def fail_stage(run_stage: RunStage, capsys: pytest.CaptureFixture[str]) -> FailStage:
    """Return a function that runs a stage that must fail, and returns its one line on standard error."""

    def fail(name: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            run_stage(name)
        assert caught.value.code == 1
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        return line.removeprefix("error: ")

    return fail


@pytest.fixture
def write_splits(project: Path) -> WriteSplits:
    """Return a function that writes splits of random images, as normalize does."""

    def write(train: int = 200, validation: int = 40, test: int = 60) -> None:
        for seed, (name, size) in enumerate({"train": train, "validation": validation, "test": test}.items()):
            images, labels, dataset = make_split(size, seed)
            write_split(project / f"data/normalized/{name}.safetensors", images.numpy(), labels.numpy(), dataset)

    return write


def make_split(size: int, seed: int = 0) -> Split:
    """Make images of noise in which row 2 * label is bright."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, size)
    images = generator.uniform(-1, -0.5, (size, 1, 28, 28)).astype(np.float32)
    images[np.arange(size), 0, 2 * labels] += 1
    return Split(torch.from_numpy(images), torch.from_numpy(labels), DATASET)


def make_parameters(**changes: object) -> TrainParameters:
    """Make the parameters of a training of one epoch, with the other values of the tests."""
    return make(TrainParameters, **{"epochs": 1} | changes)


def make(kind: type[AnyParameters], **changes: object) -> AnyParameters:
    """Make the parameters of a stage, with the values of the tests."""
    # A parameter of one's own has its value of params.yaml.
    values = YAML(typ="safe").load(ROOT / "params.yaml") | PARAMETERS | changes
    return kind.model_validate({key: values[key] for key in kind.model_fields})
