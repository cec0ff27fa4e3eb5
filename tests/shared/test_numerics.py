import os
import platform
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="promised for x86-64 only")

PROGRAM = """
import hashlib, sys, torch
from stages.shared import numerics
from stages.shared.network import build_network
from tests.train.test_training import make_parameters, make_labeled
from stages.train.training import train
numerics.pin(sys.argv[1])
torch.manual_seed(0)
network = build_network((128, 64))
train(network, make_labeled(2000), make_labeled(100), make_parameters(epochs=1, optimizer=sys.argv[2]), lambda _: None)
weights = b"".join(tensor.numpy().tobytes() for tensor in network.state_dict().values())
print(torch.get_num_threads(), torch.backends.cpu.get_cpu_capability(), hashlib.sha256(weights).hexdigest())
"""


def train_apart(numerics: str, optimizer: str, **environment: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", PROGRAM, numerics, optimizer]
    return subprocess.run(
        command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_portable_gives_the_same_bits_with_one_and_two_threads(optimizer: str) -> None:
    threads, capability, weights = train_apart("portable", optimizer)
    assert (threads, capability) == ("1", "AVX2")
    threads, capability, weights_of_two = train_apart("portable", optimizer, OMP_NUM_THREADS="2")
    assert (threads, capability) == ("2", "AVX2")
    assert weights == weights_of_two


def test_native_gives_other_bits() -> None:
    assert train_apart("native", "sgd")[2] != train_apart("portable", "sgd")[2]
