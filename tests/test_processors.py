import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from stages.shared.numerics import PORTABLE, Numerics
from stages.shared.split import write_split
from tests.clone import ROOT, update_parameters
from tests.conftest import build_once, make_split, prepare_project

QEMU = shutil.which("qemu-x86_64")
needs_emulator = pytest.mark.skipif(
    platform.machine() != "x86_64" or not QEMU,
    reason="no qemu-x86_64 (Debian's qemu-user) to emulate other x86-64 processors with",
)


class Machine(NamedTuple):
    """A processor to emulate, or this one, and the kernels to train with."""

    processor: str | None = None
    numerics: Numerics = "portable"


MACHINES = {
    "EPYC": Machine("EPYC"),
    "Haswell": Machine("Haswell"),
    "this processor": Machine(),
    "Nehalem, native": Machine("Nehalem", numerics="native"),  # without AVX, which all the others have
    "this processor, native": Machine(numerics="native"),
}
PLAIN: dict[str, dict[str, object]] = {
    "sgd": {},
    "adam": {"optimizer": "adam", "lr": 0.001},
    "momentum": {"momentum": 0.9, "weight_decay": 0.001, "schedule": "one_cycle", "loss": "mse", "patience": 1},
}
AUGMENTED: dict[str, dict[str, object]] = {"elastic": {"augment": "elastic"}}  # affine, and bent

Outputs = dict[str, dict[str, dict[str, str]]]  # digests by machine, training and file


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """Train on each machine, and hash what each training wrote."""
    folder = build_once(tmp_path_factory, "processors", train_on_all)
    return {name: {training.name: digest(training) for training in (folder / name).iterdir()} for name in MACHINES}


def train_on_all(folder: Path) -> None:
    processes = {name: start(machine, folder / name) for name, machine in MACHINES.items()}
    for name, process in processes.items():
        assert process.wait() == 0, name


def start(machine: Machine, folder: Path) -> subprocess.Popen[bytes]:
    """Start the trainings on a machine, each in its own subfolder of `folder`."""
    plain, augmented = (PLAIN, AUGMENTED) if machine.numerics == "portable" else ({"sgd": PLAIN["sgd"]}, {})
    for training, changes in (plain | augmented).items():
        prepare(folder / training, {"epochs": 2, "numerics": machine.numerics} | changes)
    emulator = [str(QEMU), "-cpu", machine.processor] if machine.processor else []
    program = [sys.executable, "-m", "tests.stages.train.train_in_folders", machine.numerics]
    plain_folders, augmented_folders = ([str(folder / name) for name in kind] for kind in (plain, augmented))
    folders = ["--avx2", *plain_folders, "--default", *augmented_folders]
    inherited = {name: value for name, value in os.environ.items() if name not in PORTABLE}
    return subprocess.Popen([*emulator, *program, *folders], cwd=ROOT, env=inherited)


def prepare(folder: Path, parameters: dict[str, object]) -> None:
    """Write what the stage train reads; the last batch of images is smaller than the others."""
    folder.mkdir(parents=True)
    prepare_project(folder)
    data = folder / "data/normalized"
    data.mkdir()
    write_split(data / "train.safetensors", make_split(333, seed=0))
    write_split(data / "validation.safetensors", make_split(50, seed=1))
    update_parameters(folder / "params.yaml", parameters)


def digest(folder: Path) -> dict[str, str]:
    """Hash all files that the stage train wrote."""
    files = [path for kind in ("models", "metrics") for path in (folder / kind).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@needs_emulator
@pytest.mark.parametrize("training", PLAIN | AUGMENTED)
def test_portable_numerics_give_the_same_bytes_on_every_processor(outputs: Outputs, training: str) -> None:
    expected = outputs["EPYC"][training]
    assert "models/mlp.safetensors" in expected
    assert "metrics/train/metrics.json" in expected
    for name in ("Haswell", "this processor"):
        assert outputs[name][training] == expected, name


@needs_emulator
def test_native_numerics_give_other_bytes(outputs: Outputs) -> None:
    model = "models/mlp.safetensors"
    assert outputs["Nehalem, native"]["sgd"][model] != outputs["this processor, native"]["sgd"][model]
