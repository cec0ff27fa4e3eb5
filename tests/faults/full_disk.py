"""Fill the disk, so that it ends within one output or another."""

import math
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.conftest import Clone
from tests.faults.scene import Fault, Scene, assert_equal_outputs, assert_one_line, read_lock

DISK_BYTES = 2**27


def fill_disk_of_stage(scene: Scene, folder: Path, random: Random) -> None:
    """Leave a stage less room than its outputs take: it says so in one line; with room, all comes out the same."""
    stage, outputs = random.choice(list(list_outputs(scene.run).items()))
    with small_disk(folder / "disk") as disk:
        clone = scene.run.copy(disk / "clone")
        needed = sum(math.ceil((clone.folder / path).stat().st_size / page_bytes(disk)) for path in outputs)
        for path in outputs:
            (clone.folder / path).unlink()  # which frees no page of what is a link into the cache
        leave_free(disk, random.randrange(needed))
        process = clone.run("python", "-B", "-m", f"stages.{stage}", check=False)
        assert process.returncode == 1, process.stdout
        assert_one_line(process.stderr)
        assert "cannot be written: " in process.stderr, process.stderr
        (disk / "ballast").unlink()
        clone.run("dvc", "repro")
        assert_equal_outputs(clone, scene.outputs)


def fill_disk_of_repro(scene: Scene, folder: Path, random: Random) -> None:
    """Leave `dvc repro` less room than it takes, cache and all: it fails; with room, all comes out the same."""
    with small_disk(folder / "disk") as disk:
        before = free_pages(disk)
        scene.run.copy(disk / "run")
        taken = before - free_pages(disk)
        subprocess.run(["rm", "-r", disk / "run"], check=True)
        clone = scene.fresh.copy(disk / "clone")
        leave_free(disk, random.randrange(taken - (before - free_pages(disk))))
        process = clone.run("dvc", "repro", check=False)
        assert process.returncode != 0, process.stdout
        assert "Traceback" not in process.stderr, process.stderr
        (disk / "ballast").unlink()
        clone.run("dvc", "repro")
        assert_equal_outputs(clone, scene.outputs)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system in memory; that takes the rights of root."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def free_pages(disk: Path) -> int:
    """Count what is free, in the pages in which such a file system gives it."""
    return os.statvfs(disk).f_bavail


def leave_free(disk: Path, pages: int) -> None:
    """Fill the disk up to that many pages."""
    (disk / "ballast").write_bytes(bytes((free_pages(disk) - pages) * page_bytes(disk)))


def page_bytes(disk: Path) -> int:
    """Return the size of a page."""
    return os.statvfs(disk).f_frsize


def list_outputs(clone: Clone) -> dict[str, list[Path]]:
    """List the files that each stage has written."""
    outputs: dict[str, list[Path]] = {}
    for stage, entry in read_lock(clone).items():
        paths = [clone.folder / out["path"] for out in entry["outs"]]
        files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
        outputs[stage] = [file.relative_to(clone.folder) for file in files]
    return outputs


FAULTS = {
    "fill_disk_of_stage": Fault("disk full while a stage writes", 60, fill_disk_of_stage),
    "fill_disk_of_repro": Fault("disk full while dvc repro runs", 20, fill_disk_of_repro),
}
