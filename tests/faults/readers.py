"""Hand the readers of files what no stage wrote."""

import contextlib
import math
import os
import re
import shutil
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest

from stages.normalize import __main__ as normalize
from stages.shared import idx, split
from stages.shared.network import MODEL, load_network
from stages.shared.stage import StageError
from tests.faults.damage import NORMALIZED, RAW, flip_bit
from tests.faults.scene import Fault, Scene

READERS: dict[str, Callable[[], object]] = {
    **dict.fromkeys(RAW, normalize.main),
    **{name: partial(split.read_split, Path(name)) for name in NORMALIZED},
    str(MODEL): partial(load_network, MODEL),
}
INPUTS = 1_000


def flip_bits(scene: Scene, folder: Path, random: Random) -> None:
    """Flip a bit of a file, or cut it off, many times: its reader refuses it every time, by name."""
    for name in ("data", "models"):
        shutil.copytree(scene.run.folder / name, folder / name)
    for name in ("params.yaml", "dvc.lock"):
        shutil.copy(scene.run.folder / name, folder)
    with contextlib.chdir(folder):
        for _ in range(INPUTS):
            name = random.choice(list(READERS))
            content = Path(name).read_bytes()
            damaged = flip_bit(content, random) if random.random() < 0.5 else content[: random.randrange(len(content))]
            Path(name).write_bytes(damaged)
            with pytest.raises(StageError, match=f"^{re.escape(name)}: "):
                READERS[name]()
            Path(name).write_bytes(content)


def fuzz_idx(_scene: Scene, folder: Path, random: Random) -> None:
    """Read many random headers and contents: each is refused, or is what its header says."""
    path = folder / "file"
    with path.open("wb", buffering=0) as file:
        for _ in range(INPUTS):
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
    """Draw a file that is IDX, or nearly so."""
    magic = random.choice((0x800 | dimensions, 0x800 | dimensions, 0x801, 0x803, 0x903, random.getrandbits(32)))
    shape = [random.choice((0, 1, 2, 3, 28, 2**16, 2**31, 2**32 - 1)) for _ in range(dimensions)]
    content = struct.pack(f">{1 + len(shape)}I", magic, *shape) + random.randbytes(min(64, math.prod(shape)))
    return random.choice((content, content, content[: random.randrange(len(content))], content + b"\x00"))


FAULTS = {
    "flip_bits": Fault(f"{INPUTS:,} files with a bit flipped or cut off are read", 1, flip_bits),
    "fuzz_idx": Fault(f"{INPUTS:,} random IDX files are read", 1_000, fuzz_idx),
}
