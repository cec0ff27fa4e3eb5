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
from tests.conftest import ROOT, Clone, make_split, update_parameters

QEMU = shutil.which("qemu-x86_64")
needs_emulator = pytest.mark.skipif(
    platform.machine() != "x86_64" or not QEMU,
    reason="no qemu-x86_64 (Debian's qemu-user) to emulate other x86-64 processors with",
)
together = pytest.mark.xdist_group("processors")  # one worker, or each would emulate anew


class Machine(NamedTuple):
    """What training runs on: a processor to emulate, or this one; threads; the kernels that numerics chooses."""

    processor: str | None = None
    threads: int = 1
    numerics: Numerics = "portable"


MACHINES = {
    "EPYC": Machine("EPYC"),
    "Haswell": Machine("Haswell"),
    "this processor, one thread": Machine(),
    "this processor, two threads": Machine(threads=2),
    "Nehalem, native": Machine("Nehalem", numerics="native"),  # from before AVX, which all the others have
    "this processor, native": Machine(numerics="native"),
}
PLAIN: dict[str, dict[str, object]] = {
    "sgd": {},
    "adam": {"optimizer": "adam", "lr": 0.001},
    "momentum": {"momentum": 0.9, "weight_decay": 0.001, "schedule": "one_cycle", "loss": "mse", "patience": 1},
}
AUGMENTED: dict[str, dict[str, object]] = {"elastic": {"augment": "elastic"}}  # affine, and bent

Outputs = dict[str, dict[str, dict[str, str]]]  # by machine, by training, by file: its digest


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """Train on each machine, and digest what each training wrote."""
    folder = tmp_path_factory.mktemp("processors")
    processes = {name: start(machine, folder / name) for name, machine in MACHINES.items()}
    for name, process in processes.items():
        assert process.wait() == 0, name
    return {name: {training.name: digest(training) for training in (folder / name).iterdir()} for name in MACHINES}


def start(machine: Machine, folder: Path) -> subprocess.Popen[bytes]:
    """Start the trainings on a machine, each in a folder of its own within `folder`."""
    augmented = AUGMENTED if machine.numerics == "portable" else {}
    for training, changes in (PLAIN | augmented).items():
        prepare(folder / training, {"epochs": 2, "numerics": machine.numerics} | changes)
    emulator = [str(QEMU), "-cpu", machine.processor] if machine.processor else []
    program = [sys.executable, "-m", "tests.processors", machine.numerics]
    plain_folders, augmented_folders = ([str(folder / name) for name in kind] for kind in (PLAIN, augmented))
    folders = ["--avx2", *plain_folders, "--default", *augmented_folders]
    inherited = {name: value for name, value in os.environ.items() if name not in PORTABLE}
    chosen = {"OMP_NUM_THREADS": str(machine.threads), "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen([*emulator, *program, *folders], cwd=ROOT, env=inherited | chosen)


def prepare(folder: Path, parameters: dict[str, object]) -> None:
    """Write what the stage train reads, with so many images that the last batch is a small one."""
    data = folder / "data/normalized"
    data.mkdir(parents=True)
    write_split(data / "train.safetensors", make_split(333, seed=0))
    write_split(data / "validation.safetensors", make_split(50, seed=1))
    shutil.copy(ROOT / "params.yaml", folder)
    update_parameters(folder / "params.yaml", parameters)


def digest(folder: Path) -> dict[str, str]:
    """Digest all that the stage train writes."""
    files = [path for kind in ("models", "metrics") for path in (folder / kind).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@needs_emulator
@together
@pytest.mark.parametrize("training", PLAIN | AUGMENTED)
def test_portable_gives_the_same_bytes_on_every_processor(outputs: Outputs, training: str) -> None:
    expected = outputs["EPYC"][training]
    assert "models/mlp.safetensors" in expected
    assert "metrics/train/metrics.json" in expected
    for name in ("Haswell", "this processor, one thread", "this processor, two threads"):
        assert outputs[name][training] == expected, name


@needs_emulator
@together
@pytest.mark.parametrize("training", ["sgd", "adam"])
def test_native_gives_others(outputs: Outputs, training: str) -> None:
    model = "models/mlp.safetensors"
    assert outputs["Nehalem, native"][training][model] != outputs["this processor, native"][training][model]


def test_surroundings_change_nothing(digits_run: Clone, tmp_path: Path) -> None:
    home = tmp_path / "another home"
    home.mkdir()
    clone = Clone.of_working_tree(tmp_path / "another place")
    shutil.copy(digits_run.folder / "params.yaml", clone.folder)
    clone.run(
        *("dvc", "repro"),
        HOME=str(home),
        TZ="Pacific/Kiritimati",
        PYTHONHASHSEED="12345",
        LC_ALL="POSIX",  # ASCII, unless Python is free to know better
        PYTHONCOERCECLOCALE="0",
        PYTHONUTF8="0",
    )
    assert (clone.folder / "dvc.lock").read_bytes() == (digits_run.folder / "dvc.lock").read_bytes()
