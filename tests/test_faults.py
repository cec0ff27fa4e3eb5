"""A shortened form of tests/faults.py."""

import pytest

from tests import faults


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> faults.Undisturbed:
    return faults.Undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.xdist_group("faults")  # they share what is not disturbed
@pytest.mark.parametrize(("fault", "moment"), [(faults.kill_repro, 7.0), (faults.kill_queue, 2.0)])
def test_a_killed_run_ends_like_an_undisturbed_one(
    undisturbed: faults.Undisturbed, fault: faults.Fault, moment: float
) -> None:
    assert undisturbed.survives(fault, moment)
