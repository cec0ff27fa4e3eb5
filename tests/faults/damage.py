"""Damage files of the workspace, of the cache, and of DVC's temporary folder."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
from safetensors.numpy import save

from tests.clone import Clone
from tests.faults.restored import assert_restored, describe
from tests.faults.scene import CHANGE, Fault, Scene, find_object, read_lock, read_outputs

RAW = [f"data/raw/{half}-{kind}-ubyte" for half in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
NORMALIZED = [f"data/normalized/{name}.safetensors" for name in ("train", "validation", "test")]
MODEL = "models/mlp.safetensors"
TRAIN, VALIDATION, TEST = NORMALIZED
READERS = {**dict.fromkeys(RAW, "normalize"), TRAIN: "train", VALIDATION: "train", TEST: "evaluate", MODEL: "evaluate"}

REPRO = ("dvc", "repro")
EXPERIMENT = ("dvc", "exp", "run", *CHANGE)
NO_PROCESS = {"pid": 2**22 + 1, "cmd": "dvc repro"}
RWLOCK = json.dumps({"write": {"data/raw": NO_PROCESS}, "read": {"models": [NO_PROCESS]}})
TEMPORARY = {"rwlock": RWLOCK, "exps/rwlock": RWLOCK, "lock": "1\n", "rwlock.lock": "1\n", "btime": ""}
KINDS = ("truncated", "empty", "a bit flipped", "removed", "a folder", "/dev/zero", "nowhere", "an empty folder")


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


def overwrite(path: Path, content: bytes) -> None:
    """Replace the content of a file and of all hard links to it. DVC does not notice: mode and time stay."""
    stat = path.stat()
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(stat.st_mode)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def replace(path: Path, kind: str) -> None:
    """Remove a file, all files of its folder, or replace the file by a folder or a symbolic link."""
    for file in [file for file in path.parent.iterdir() if file.is_file()] if kind == "an empty folder" else [path]:
        file.unlink()
    if kind == "a folder":
        path.mkdir()
    elif kind in {"/dev/zero", "nowhere"}:
        path.symlink_to(kind)


def damage_any(scene: Scene, folder: Path, random: Random) -> None:
    """Damage any file of the cache, of .dvc/tmp, dvc.lock or an output; sometimes run DVC; then restore."""
    clone = scene.copy(folder / "clone")
    path = draw_file(clone, random)
    kind = random.choice(KINDS[:-1] if path.parent == clone.folder else KINDS)
    if kind in DAMAGES:
        overwrite(path, DAMAGES[kind](path.read_bytes() or b"0", random))
    else:
        replace(path, kind)
    if kind != "/dev/zero" and random.random() < 0.5:  # DVC reads it without end
        command = random.choice((REPRO, EXPERIMENT, ("dvc", "checkout", "--force"), ("dvc", "commit", "--force")))
        clone.run(*command, check=False)
    try:
        assert_restored(clone, scene)
    except AssertionError as error:
        message = f"{path.relative_to(clone.folder)}, {kind}: {error}"
        raise AssertionError(message) from None


def draw_file(clone: Clone, random: Random) -> Path:
    """Draw a file; those of DVC's temporary folder are created."""
    folder = random.choice((".dvc/cache/files", ".dvc/cache/runs", "dvc.lock", ".dvc/tmp", "data", "models", "metrics"))
    path = clone.folder / folder
    if folder == ".dvc/tmp":
        name, content = random.choice(list(TEMPORARY.items()))
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(content)
        return path / name
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name != ".gitignore")
    return random.choice(files) if files else path


def damage_file(scene: Scene, folder: Path, random: Random) -> None:
    """Damage an input of a stage, and its object; run dvc repro or an experiment: the stage notices; then restore."""
    name, stage = random.choice(list(READERS.items()))
    damage = random.choice(list(DAMAGES))
    command, is_complete = random.choice([(REPRO, False), (REPRO, True), (EXPERIMENT, True)])
    clone = scene.copy(folder / "clone") if is_complete else scene.copy_before(stage, folder / "clone")
    overwrite(clone.folder / name, DAMAGES[damage]((clone.folder / name).read_bytes(), random))
    process = clone.run(*command, check=False)
    if process.returncode:
        assert f"error: {name}: " in process.stderr, f"{name}, {damage}: {describe(process)}"
    else:
        expected = scene.changed_outputs if command == EXPERIMENT else scene.outputs
        metrics = select_metrics(read_outputs(clone))
        assert metrics == select_metrics(expected), f"{name}, {damage}: exit status 0, but other metrics"
    assert_restored(clone, scene)


def select_metrics(outputs: dict[str, str]) -> dict[str, str]:
    """Select the files of metrics."""
    return {name: digest for name, digest in outputs.items() if name.endswith("metrics.json")}


def damage_cached_metrics(scene: Scene, folder: Path, random: Random) -> None:
    """Damage the cached copy of metrics that Git keeps: DVC restores them with the run; restore fixes both."""
    clone = scene.copy(folder / "clone")
    stage, name = random.choice((("train", "metrics/train/metrics.json"), ("evaluate", "metrics/metrics.json")))
    [md5] = [out["md5"] for out in read_lock(clone)[stage]["outs"] if out["path"] == name]
    metrics = json.loads(find_object(clone, md5).read_text())
    overwrite(find_object(clone, md5), json.dumps(dict.fromkeys(metrics, 0.91)).encode())
    parameters = (clone.folder / "params.yaml").read_text()
    clone.set_parameters(lr=0.05)
    clone.run("dvc", "repro")
    (clone.folder / "params.yaml").write_text(parameters)
    clone.run("dvc", "repro", check=False)
    assert clone.run("dvc-guard", "cache", check=False).returncode == 1
    assert_restored(clone, scene)
    assert clone.run("dvc-guard", "cache").returncode == 0


def truncate_raw_object(scene: Scene, folder: Path, random: Random) -> None:
    """Truncate an object of data/raw, and remove all outputs of DVC; sometimes use DVC; then restore."""
    clone = scene.copy(folder / "clone")
    path = clone.folder / random.choice(RAW)
    overwrite(path, truncate(path.read_bytes(), random))
    for name in ("data", "models"):
        shutil.rmtree(clone.folder / name)
    command = random.choice(((), REPRO, ("dvc", "checkout"), ("sh", "-c", "dvc checkout; dvc repro --force")))
    if command:
        clone.run(*command, check=False)
    assert_restored(clone, scene)


FAULTS = {
    "damage_any": Fault("any file of the cache, of .dvc/tmp or of the outputs is damaged", 100, damage_any),
    "damage_file": Fault("an input of a stage is damaged", 60, damage_file),
    "damage_cached_metrics": Fault("the cached copy of metrics is damaged", 10, damage_cached_metrics),
    "truncate_raw_object": Fault("an object of data/raw is truncated, outputs removed", 10, truncate_raw_object),
}
