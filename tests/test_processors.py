import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages.shared.numerics import PORTABLE
from stages.shared.splits import write_split
from tests.clone import ROOT, update_parameters
from tests.conftest import build_once
from tests.stages.conftest import make_split, prepare_project

QEMU = shutil.which("qemu-x86_64")
needs_emulator = pytest.mark.skipif(
    platform.machine() != "x86_64" or not QEMU,
    reason="no qemu-x86_64 (Debian's qemu-user) to emulate other x86-64 processors with",
)


IS_AMD = "AuthenticAMD" in Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else False
OTHER = "Haswell" if IS_AMD else "EPYC"  # of the other vendor
PROCESSORS = {OTHER: ["-cpu", OTHER], "this processor": []}  # options of QEMU
PLAIN: dict[str, dict[str, object]] = {
    "sgd": {},
    "adam": {"optimizer": "adam", "lr": 0.001},
    "momentum": {"momentum": 0.9, "weight_decay": 0.001, "schedule": "one_cycle", "loss": "mse", "patience": 1},
}
AUGMENTED: dict[str, dict[str, object]] = {"elastic": {"augment": "elastic"}}  # affine, and bent

Outputs = dict[str, dict[str, dict[str, str]]]  # digests by processor, training and file


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """Train on each processor, and hash what each training wrote."""
    folder = build_once(tmp_path_factory, "processors", train_on_all)
    return {name: {training.name: digest(training) for training in (folder / name).iterdir()} for name in PROCESSORS}


def train_on_all(folder: Path) -> None:
    processes = {name: start(options, folder / name) for name, options in PROCESSORS.items()}
    for name, process in processes.items():
        assert process.wait() == 0, name


def start(options: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start the trainings on a processor, each in its own subfolder of `folder`."""
    for training, changes in (PLAIN | AUGMENTED).items():
        prepare(folder / training, {"epochs": 2} | changes)
    emulator = [str(QEMU), *options] if options else []
    program = [sys.executable, "-m", "tests.stages.train_in_folders", "portable"]
    plain_folders, augmented_folders = ([str(folder / name) for name in kind] for kind in (PLAIN, AUGMENTED))
    folders = ["--avx2", *plain_folders, "--default", *augmented_folders]
    inherited = {name: value for name, value in os.environ.items() if name not in PORTABLE}
    return subprocess.Popen([*emulator, *program, *folders], cwd=ROOT, env=inherited)


def prepare(folder: Path, parameters: dict[str, object]) -> None:
    """Write what the stage train reads; the last batch of images is smaller than the others."""
    folder.mkdir(parents=True)
    prepare_project(folder)
    for seed, (name, size) in enumerate({"train": 333, "validation": 50}.items()):
        images, labels, dataset = make_split(size, seed)
        write_split(folder / f"data/normalized/{name}.safetensors", images.numpy(), labels.numpy(), dataset)
    update_parameters(folder / "params.yaml", parameters)


def digest(folder: Path) -> dict[str, str]:
    """Hash all files that the stage train wrote."""
    files = [path for kind in ("models", "metrics") for path in (folder / kind).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@needs_emulator
@pytest.mark.parametrize("training", PLAIN | AUGMENTED)
def test_portable_numerics_give_the_same_bytes_on_every_processor(outputs: Outputs, training: str) -> None:
    expected = outputs[OTHER][training]
    assert "models/mlp.safetensors" in expected
    assert "metrics/train/metrics.json" in expected
    assert outputs["this processor"][training] == expected
