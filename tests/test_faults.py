"""A short form of tests/faults; dvc-guard's own tests have most kills, locks and damages in a smaller project."""

import os
from pathlib import Path

import pytest

from tests.clone import Clone
from tests.faults.command_line import FAULTS
from tests.faults.scene import Scene, try_fault

pytestmark = pytest.mark.faults


def test_survives_kill_of_repro(light_run: Clone, tmp_path: Path) -> None:
    run = Clone(light_run.folder)
    run.environment["SECONDS"] = "0.7"
    try_fault(FAULTS["kill_repro"], Scene(tmp_path / "scene", run), tmp_path, "kill_repro 0 60")


def test_survives_kill_of_the_real_training(digits_run: Clone, tmp_path: Path) -> None:
    try_fault(FAULTS["kill_training"], Scene(tmp_path / "scene", digits_run), tmp_path, "kill_training 0 0")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_survives_full_disk(digits_run: Clone, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", digits_run)
    try_fault(FAULTS["fill_disk_of_stage"], scene, tmp_path, "fill_disk_of_stage 0 4")
