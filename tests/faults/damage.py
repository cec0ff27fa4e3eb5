"""Damage files of the workspace, of the cache, and of DVC's temporary folder."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.clone import Clone
from tests.faults.restored import assert_restored
from tests.faults.scene import CHANGE, Fault, Scene

REPRO = ("dvc", "repro")
EXPERIMENT = ("dvc", "exp", "run", *CHANGE)
NO_PROCESS = {"pid": 2**22 + 1, "cmd": "dvc repro"}
RWLOCK = json.dumps({"write": {"data/raw": NO_PROCESS}, "read": {"models": [NO_PROCESS]}})
TEMPORARY = {"rwlock": RWLOCK, "exps/rwlock": RWLOCK, "lock": "1\n", "rwlock.lock": "1\n", "btime": ""}
KINDS = ("truncated", "empty", "a bit flipped", "removed", "a folder", "/dev/zero", "nowhere", "an empty folder")


def flip_bit(content: bytes, random: Random) -> bytes:
    position = random.randrange(len(content))
    flipped = content[position] ^ 1 << random.randrange(8)
    return content[:position] + bytes([flipped]) + content[position + 1 :]


def truncate(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


DAMAGES: dict[str, Callable[[bytes, Random], bytes]] = {
    "truncated": truncate,
    "empty": lambda _, __: b"",
    "a bit flipped": flip_bit,
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


FAULTS = {"damage_any": Fault("any file of the cache, of .dvc/tmp or of the outputs is damaged", 100, damage_any)}
