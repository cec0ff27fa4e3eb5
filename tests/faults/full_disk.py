"""Fill the disk while outputs are written."""

import math
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.clone import Clone
from tests.faults.restored import assert_restored
from tests.faults.scene import Fault, Scene, assert_one_error, read_lock

DISK_BYTES = 2**27


def fill_disk_of_stage(scene: Scene, folder: Path, random: Random) -> None:
    """Leave a stage less free space than its outputs need: it fails with one line; then restore."""
    stage, outputs = random.choice(list(list_outputs(scene.run).items()))
    with small_disk(folder / "disk") as disk:
        clone = scene.copy(disk / "clone")
        needed = sum(math.ceil((clone.folder / path).stat().st_size / get_page_size(disk)) for path in outputs)
        for path in outputs:
            (clone.folder / path).unlink()  # frees no page of a hard link to the cache
        leave_free(disk, random.randrange(needed))
        process = clone.run("python", "-B", "-m", f"stages.{stage}", check=False)
        assert process.returncode == 1, process.stdout
        assert_one_error(process.stderr)
        assert "cannot be written: " in process.stderr, process.stderr
        (disk / "ballast").unlink()
        assert_restored(clone, scene)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system in memory, which only root may do."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def count_free_pages(disk: Path) -> int:
    """Count the free pages, the unit in which such a file system allocates."""
    return os.statvfs(disk).f_bavail


def leave_free(disk: Path, pages: int) -> None:
    """Fill the disk except for that many pages."""
    (disk / "ballast").write_bytes(bytes((count_free_pages(disk) - pages) * get_page_size(disk)))


def get_page_size(disk: Path) -> int:
    return os.statvfs(disk).f_frsize


def list_outputs(clone: Clone) -> dict[str, list[Path]]:
    outputs: dict[str, list[Path]] = {}
    for stage, entry in read_lock(clone).items():
        paths = [clone.folder / out["path"] for out in entry["outs"]]
        files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
        outputs[stage] = [file.relative_to(clone.folder) for file in files]
    return outputs


FAULTS = {"fill_disk_of_stage": Fault("disk full while a stage writes", 60, fill_disk_of_stage)}
