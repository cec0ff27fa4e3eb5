"""Give a stage input files that no stage wrote."""

import contextlib
import math
import os
import re
import shutil
import struct
from pathlib import Path
from random import Random

import pytest

from dvc_guard.errors import GuardError
from dvc_guard.run.inputs import Inputs
from dvc_guard.run.pipeline import read_pipeline
from stages.shared import idx
from stages.shared.errors import StageError
from tests.faults.damage import READERS, flip_bit, overwrite, truncate
from tests.faults.scene import Fault, Scene

IDX_FILES = 1_000


def flip_bits(scene: Scene, folder: Path, random: Random) -> None:
    """Flip a bit of an input of a stage, or truncate it: the guard names the file, and the stage does not begin."""
    for name in ("data", "models"):
        shutil.copytree(scene.run.folder / name, folder / name)
    for name in ("params.yaml", "dvc.yaml", "dvc.lock", "versions.yaml", ".dvcignore"):
        shutil.copy(scene.run.folder / name, folder)
    (folder / "stages").symlink_to(scene.run.folder / "stages")
    path, stage_name = random.choice(list(READERS.items()))
    with contextlib.chdir(folder):
        pipeline = read_pipeline(folder, folder, stage_name)
        Inputs(pipeline, verify=False)
        overwrite(Path(path), random.choice((flip_bit, truncate))(Path(path).read_bytes(), random))
        with pytest.raises(GuardError, match=f"^{re.escape(path)}: MD5 differs from dvc.lock"):
            Inputs(pipeline, verify=False)


def fuzz_idx(_scene: Scene, folder: Path, random: Random) -> None:
    """Read many random headers and contents: each is rejected, or the array is what the header says."""
    path = folder / "file"
    with path.open("wb", buffering=0) as file:
        for _ in range(IDX_FILES):
            dimensions = random.choice((1, 3))
            content = draw_idx(dimensions, random)
            os.pwrite(file.fileno(), content, 0)
            file.truncate(len(content))
            try:
                array = idx.read_idx(path, dimensions)
            except StageError:
                continue
            header = struct.pack(f">{1 + dimensions}I", 0x800 | dimensions, *array.shape)
            assert header + array.tobytes() == content, content


def draw_idx(dimensions: int, random: Random) -> bytes:
    """Draw the content of a file that is valid IDX, or nearly so."""
    magic = random.choice((0x800 | dimensions, 0x800 | dimensions, 0x801, 0x803, 0x903, random.getrandbits(32)))
    shape = [random.choice((0, 1, 2, 3, 28, 2**16, 2**31, 2**32 - 1)) for _ in range(dimensions)]
    content = struct.pack(f">{1 + len(shape)}I", magic, *shape) + random.randbytes(min(64, math.prod(shape)))
    return random.choice((content, content, content[: random.randrange(len(content))], content + b"\x00"))


FAULTS = {
    "flip_bits": Fault("a bit of an input of a stage is flipped, or the input is truncated", 1_000, flip_bits),
    "fuzz_idx": Fault(f"{IDX_FILES:,} random IDX files are read", 1_000, fuzz_idx),
}
