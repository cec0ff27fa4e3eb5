"""A shortened form of tests/faults."""

import os
from pathlib import Path

import pytest

from tests.faults import damage, full_disk, kills, races, readers
from tests.faults.scene import Fault, Scene, try_in_time

FAULTS = (
    kills.FAULTS["kill_repro"],
    kills.FAULTS["kill_dvc"],
    kills.FAULTS["kill_queue"],
    races.FAULTS["two_repros"],
    damage.FAULTS["damage_file"],
    damage.FAULTS["reject_parameter"],
    readers.FAULTS["flip_bits"],
    readers.FAULTS["fuzz_idx"],
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"))


@pytest.mark.faults
@pytest.mark.xdist_group("faults")  # they share the scene
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.try_once.__name__)
def test_a_fault_is_survived(scene: Scene, tmp_path: Path, fault: Fault) -> None:
    try_in_time(fault, scene, tmp_path)


@pytest.mark.faults
@pytest.mark.xdist_group("faults")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_survived(scene: Scene, tmp_path: Path) -> None:
    try_in_time(full_disk.FAULTS["fill_disk_of_stage"], scene, tmp_path)
