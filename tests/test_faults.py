"""A short form of tests/faults, most of it with stand-ins for the stages that import torch."""

import os
from pathlib import Path

import pytest

from tests.clone import Clone
from tests.faults.command_line import FAULTS
from tests.faults.scene import Scene, try_fault

# The tries of each fault, chosen to be fast. `python -m tests.faults NAME` uses the same seeds.
TRIES = {
    "kill_repro": [60],
    "kill_guard": [0],
    "kill_experiment": [12],
    "kill_experiment_in_git": [11],
    "restore_while_running": [10],
    "damage_any": [0, 18],
    "reject_parameter": [0],
    "flip_bits": range(5),
    "fuzz_idx": [0],
}
pytestmark = pytest.mark.faults


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory, light_run: Clone) -> Scene:
    run = Clone(light_run.folder)
    run.environment["SECONDS"] = "0.7"
    return Scene(tmp_path_factory.mktemp("scene"), run)


@pytest.mark.parametrize("name", TRIES)
def test_survives(scene: Scene, tmp_path: Path, name: str) -> None:
    for number in TRIES[name]:
        try_fault(FAULTS[name], scene, tmp_path, f"{name} 0 {number}")


def test_survives_kill_of_the_real_training(digits_run: Clone, tmp_path: Path) -> None:
    try_fault(FAULTS["kill_training"], Scene(tmp_path / "scene", digits_run), tmp_path, "kill_training 0 0")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_survives_full_disk(digits_run: Clone, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", digits_run)
    try_fault(FAULTS["fill_disk_of_stage"], scene, tmp_path, "fill_disk_of_stage 0 4")
