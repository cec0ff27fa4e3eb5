"""Damage what lies in the workspace, and mend it by the command that the message or the README gives."""

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
from safetensors.numpy import save

from tests.conftest import Clone
from tests.faults.scene import CHANGE, STATES, Fault, Scene, assert_equal_outputs, read_lock, read_outputs

RAW = [f"data/raw/{half}-{kind}-ubyte" for half in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
NORMALIZED = [f"data/normalized/{name}.safetensors" for name in ("train", "validation", "test")]
MODEL = "models/mlp.safetensors"
ANEW = "rm dvc.lock && dvc repro"
REPAIR = "python -m checks cache --repair && dvc repro"


def flip_bit(content: bytes, random: Random) -> bytes:
    """Flip one bit, anywhere."""
    position = random.randrange(len(content))
    flipped = content[position] ^ 1 << random.randrange(8)
    return content[:position] + bytes([flipped]) + content[position + 1 :]


DAMAGES: dict[str, Callable[[bytes, Random], bytes]] = {
    "truncated": lambda content, random: content[: random.randrange(len(content))],
    "emptied": lambda _, __: b"",
    "a bit flipped": flip_bit,
    "other tensors": lambda _, __: save({"images": np.zeros((3, 8, 8), np.float32), "labels": np.zeros(3, np.int64)}),
    "another architecture": lambda _, __: save({"1.weight": np.zeros((10, 784)), "1.bias": np.zeros(10)}),
    "a pickle": lambda _, __: b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.",
}


def damage_file(scene: Scene, folder: Path, random: Random) -> None:
    """Damage a file that a stage reads, in place, where it is linked to the cache; then run the same, or a change."""
    clone = scene.run.copy(folder / "clone")
    path = clone.folder / random.choice([*RAW, *NORMALIZED, MODEL])
    damage = random.choice(list(DAMAGES))
    with path.open("r+b") as file:
        content = DAMAGES[damage](file.read(), random)
        file.seek(0)
        file.write(content)
        file.truncate()
    what = f"{path.name}, {damage}"
    command, expected = random.choice(
        [(("dvc", "repro"), scene.outputs), (("dvc", "exp", "run", *CHANGE), scene.changed_outputs)]
    )
    process = clone.run(*command, check=False)
    if process.returncode:
        assert REPAIR in process.stderr, f"{what}: {process.stderr}"
        assert str(path.relative_to(clone.folder)) in process.stderr, f"{what}: {process.stderr}"
    else:
        assert metrics_of(read_outputs(clone)) == metrics_of(expected), f"{what}: another metric, and exit status 0"
    clone.run("sh", "-c", REPAIR)
    assert_equal_outputs(clone, expected)


def metrics_of(outputs: dict[str, str]) -> dict[str, str]:
    """Take the metrics of what was read."""
    return {name: digest for name, digest in outputs.items() if name.endswith("metrics.json")}


def damage_state(scene: Scene, folder: Path, random: Random) -> None:
    """Damage dvc.lock or DVC's own locks, and do what the README says."""
    clone = scene.run.copy(folder / "clone")
    state = random.choice(STATES)
    path = clone.folder / state.name
    path.parent.mkdir(exist_ok=True)
    content = path.read_bytes() if path.exists() else b""
    path.write_bytes(random.choice([b"", b"{", b"\x00\xff", content[: random.randrange(len(content) + 1)]]))
    process = clone.run("dvc", "repro", check=False)
    if process.returncode:
        assert state.is_named_in(process.stderr), process.stderr
        assert "Traceback" not in process.stderr, process.stderr
        clone.run("sh", "-c", state.mend)
    elif read_lock(clone) != read_lock(scene.run):
        assert_cut_off_is_noticed(clone)
        clone.run("sh", "-c", state.mend)
    else:  # all is said, if not in the same order: DVC has written anew, at the end, what was cut off
        shutil.copy(scene.run.folder / "dvc.lock", clone.folder)
    assert_equal_outputs(clone, scene.outputs)


def assert_cut_off_is_noticed(clone: Clone) -> None:
    """Raise AssertionError unless the check says of dvc.lock, before and after a commit, what DVC has not noticed."""
    before = clone.run("python", "-m", "checks", "fresh", "--json").stdout
    assert "not committed, in dvc.lock;" in before, before
    clone.commit("Cut off")
    after = clone.run("python", "-m", "checks", "fresh", "--json", check=False)
    assert after.returncode == 1, after.stdout
    assert ANEW in after.stdout, after.stdout
    clone.run("git", "reset", "--quiet", "HEAD~1")


REJECTED = (
    *("dataset=mnits", "mean=.nan", "std=0", "validation_size=1491", "validation_size=-1", "seed=-1", "epochs=0"),
    *("hidden_sizes=[0]", "loss=mae", "optimizer=sdg", "lr=0", "momentum=1", "weight_decay=-1", "batch_size=0.5"),
    *("schedule=cosine", "augment=flip", "patience=-1", "numerics=fast", "+momentun=0.9"),
)


def reject_parameter(scene: Scene, folder: Path, random: Random) -> None:
    """Ask for what is not allowed: one line says so, and all outputs stay."""
    clone = scene.run.copy(folder / "clone")
    process = clone.run("dvc", "exp", "run", "-S", random.choice(REJECTED), check=False)
    errors = [line for line in process.stderr.splitlines() if line.startswith("error: ")]
    assert process.returncode != 0, process.stdout
    assert len(errors) == 1, process.stderr
    assert errors[0].startswith("error: params.yaml: "), process.stderr
    assert_equal_outputs(clone, scene.outputs)


FAULTS = {
    "damage_file": Fault("a file that a stage reads is damaged", 60, damage_file),
    "damage_state": Fault("dvc.lock or a lock of DVC is damaged", 30, damage_state),
    "reject_parameter": Fault("a parameter is not allowed", 40, reject_parameter),
}
