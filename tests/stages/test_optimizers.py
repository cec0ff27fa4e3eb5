"""The optimizers are compared with those of torch.optim, over several updates, in test_training_steps.py."""

import subprocess
import sys
from itertools import islice

import pytest
import torch

from stages.shared.optimizers import build_schedule, one_cycle
from tests.clone import ROOT
from tests.stages.examples import make_parameters

PROGRAM = """
import sys, torch
from stages.shared.training import train
from tests.stages.examples import make_labeled, make_parameters
from stages.shared.network import build_network
train(build_network((8,)), make_labeled(64), make_labeled(8), make_parameters(optimizer=sys.argv[1]), lambda _: None)
sys.exit("torch._dynamo" in sys.modules)
"""


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 10, 1000])
def test_one_cycle_equals_pytorch(steps: int) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.3, total_steps=steps, cycle_momentum=False)
    expected = []
    for _ in range(steps):
        expected.append(schedule.get_last_lr()[0])
        optimizer.step()
        if len(expected) < steps:
            schedule.step()
    assert list(one_cycle(0.3, steps)) == pytest.approx(expected, rel=1e-12)


def test_constant_schedule() -> None:
    assert list(islice(build_schedule(make_parameters(lr=0.3), 5), 5)) == [0.3] * 5


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])  # the only one that is fused, and the only one that is not
def test_training_does_not_import_the_compiler(optimizer: str) -> None:
    """It takes as long to import as torch."""
    process = subprocess.run([sys.executable, "-c", PROGRAM, optimizer], cwd=ROOT, check=False)
    assert process.returncode == 0
