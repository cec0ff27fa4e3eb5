"""Damage files in the workspace, and fix them with the command in the error message or in the README."""

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
from safetensors.numpy import save

from tests.clone import Clone
from tests.faults.scene import CHANGE, STATES, Fault, Scene, assert_equal_outputs, read_lock, read_outputs

RAW = [f"data/raw/{half}-{kind}-ubyte" for half in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
NORMALIZED = [f"data/normalized/{name}.safetensors" for name in ("train", "validation", "test")]
MODEL = "models/mlp.safetensors"
TRAIN, VALIDATION, TEST = NORMALIZED
READERS = {**dict.fromkeys(RAW, "normalize"), TRAIN: "train", VALIDATION: "train", TEST: "evaluate", MODEL: "evaluate"}

REPRO = ("dvc", "repro")
EXPERIMENT = ("dvc", "exp", "run", *CHANGE)
RECREATE_LOCK = "rm dvc.lock && dvc repro"
REPAIR = "python -m checks cache --repair && dvc repro"


def flip_bit(content: bytes, random: Random) -> bytes:
    """Flip a random bit."""
    position = random.randrange(len(content))
    flipped = content[position] ^ 1 << random.randrange(8)
    return content[:position] + bytes([flipped]) + content[position + 1 :]


def truncate(content: bytes, random: Random) -> bytes:
    """Truncate to a random size."""
    return content[: random.randrange(len(content))]


DAMAGES: dict[str, Callable[[bytes, Random], bytes]] = {
    "truncated": truncate,
    "empty": lambda _, __: b"",
    "a bit flipped": flip_bit,
    "other tensors": lambda _, __: save({"images": np.zeros((3, 8, 8), np.float32), "labels": np.zeros(3, np.int64)}),
    "another architecture": lambda _, __: save({"1.weight": np.zeros((10, 784)), "1.bias": np.zeros(10)}),
    "a pickle": lambda _, __: b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.",
}


def damage_file(scene: Scene, folder: Path, random: Random) -> None:
    """Damage an input of a stage, and with it the cached file that it links to; then run dvc repro or an experiment."""
    name, stage = random.choice(list(READERS.items()))
    damage = random.choice(list(DAMAGES))
    command, is_complete = random.choice([(REPRO, False), (REPRO, True), (EXPERIMENT, True)])
    clone = scene.run.copy(folder / "clone") if is_complete else scene.copy_before(stage, folder / "clone")
    clone.commit("Results")  # checks cache verifies only what HEAD names
    overwrite(clone.folder / name, DAMAGES[damage]((clone.folder / name).read_bytes(), random))
    process = clone.run(*command, check=False)
    expected = scene.changed_outputs if command == EXPERIMENT else scene.outputs
    if process.returncode:
        assert f"error: {name}: " in process.stderr, f"{name}, {damage}: {process.stderr}"
        assert REPAIR in process.stderr, f"{name}, {damage}: {process.stderr}"
    else:
        metrics = select_metrics(read_outputs(clone))
        assert metrics == select_metrics(expected), f"{name}, {damage}: exit status 0, but other metrics"
    clone.run("sh", "-c", REPAIR)
    assert_equal_outputs(clone, expected)


def overwrite(path: Path, content: bytes) -> None:
    """Replace the content of a file and of all hard links to it. It stays read-only: DVC does not verify such files."""
    mode = path.stat().st_mode
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(mode)


def select_metrics(outputs: dict[str, str]) -> dict[str, str]:
    """Select the files of metrics."""
    return {name: digest for name, digest in outputs.items() if name.endswith("metrics.json")}


def damage_state(scene: Scene, folder: Path, random: Random) -> None:
    """Damage dvc.lock or DVC's lock file, and apply the fix in the README."""
    clone = scene.run.copy(folder / "clone")
    state = random.choice(STATES)
    path = clone.folder / state.path
    path.parent.mkdir(exist_ok=True)
    content = path.read_bytes() if path.exists() else b""
    path.write_bytes(random.choice([b"", b"{", b"\x00\xff", content[: random.randrange(len(content) + 1)]]))
    process = clone.run("dvc", "repro", check=False)
    if process.returncode:
        assert state.is_reported(process.stderr), process.stderr
        assert "Traceback" not in process.stderr, process.stderr
        clone.run("sh", "-c", state.fix)
    elif read_lock(clone) != read_lock(scene.run):
        assert_fresh_fails(clone)
        clone.run("sh", "-c", state.fix)
    else:  # DVC has completed the truncated dvc.lock, with the entries in another order
        shutil.copy(scene.run.folder / "dvc.lock", clone.folder)
    assert_equal_outputs(clone, scene.outputs)


def assert_fresh_fails(clone: Clone) -> None:
    """Raise AssertionError unless `checks fresh` reports the damaged dvc.lock, before and after a commit."""
    before = clone.run("python", "-m", "checks", "fresh", "--json").stdout
    assert "not checked: dvc.lock" in before, before
    clone.commit("Truncated")
    after = clone.run("python", "-m", "checks", "fresh", "--json", check=False)
    assert after.returncode == 1, after.stdout
    assert RECREATE_LOCK in after.stdout, after.stdout
    clone.run("git", "reset", "--quiet", "HEAD~1")


REJECTED = (
    *("dataset=mnits", "mean=.nan", "std=0", "validation_size=1491", "validation_size=-1", "seed=-1", "epochs=0"),
    *("hidden_sizes=[0]", "loss=mae", "optimizer=sdg", "lr=0", "momentum=1", "weight_decay=-1", "batch_size=0.5"),
    *("schedule=cosine", "augment=flip", "patience=-1", "numerics=fast", "+momentun=0.9"),
)


def reject_parameter(scene: Scene, folder: Path, random: Random) -> None:
    """Set a parameter to a value that is not allowed: it is rejected in one line, and all outputs stay."""
    clone = scene.run.copy(folder / "clone")
    process = clone.run("dvc", "exp", "run", "-S", random.choice(REJECTED), check=False)
    errors = [line for line in process.stderr.splitlines() if line.startswith("error: ")]
    assert process.returncode != 0, process.stdout
    assert len(errors) == 1, process.stderr
    assert errors[0].startswith("error: params.yaml: "), process.stderr
    assert_equal_outputs(clone, scene.outputs)


FAULTS = {
    "damage_file": Fault("an input of a stage is damaged", 60, damage_file),
    "damage_state": Fault("dvc.lock or DVC's lock file is damaged", 30, damage_state),
    "reject_parameter": Fault("a parameter has a value that is not allowed", 40, reject_parameter),
}
