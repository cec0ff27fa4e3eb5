"""Disks that are full or read-only: nothing changes, and one line says why."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from states.faults import kill_in_stage
from states.snapshot import compare, list_lost, take

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")


@pytest.fixture
def disk(template: Path, empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to a copy of the project on a small disk."""
    folder = empty_folder / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], check=True)
    subprocess.run(["cp", "-a", template, folder / "project"], check=True)
    monkeypatch.chdir(folder / "project")
    yield folder
    monkeypatch.undo()
    subprocess.run(["umount", "--lazy", folder], check=True)


def restore() -> str:
    process = subprocess.run(
        [sys.executable, "-m", "dvc_guard", "restore"], capture_output=True, text=True, check=False
    )
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
    [line] = [line for line in process.stderr.splitlines() if line]
    return line


def test_read_only_disk(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert restore().endswith("cannot be written: its disk is read-only, or it belongs to another user")


def test_full_disk(disk: Path) -> None:
    kill_in_stage()
    before = take()
    subprocess.run(["sh", "-c", "cat /dev/zero >../ballast 2>/dev/null"], check=False)
    assert "No space left on device; free space" in restore()
    (disk / "ballast").unlink()
    assert list_lost(before, take()) == []
    assert subprocess.run([sys.executable, "-m", "dvc_guard", "restore"], check=False).returncode == 0
    subprocess.run([sys.executable, "-m", "dvc_guard", "restore", "--undo"], check=True)
    assert compare(before, take()) == []
