import os
import platform
import subprocess
import sys

import pytest

from stages.shared import numerics
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="promised for x86-64 only")

PROGRAM = """
import hashlib, sys
from stages.shared import numerics
numerics.pin(sys.argv[1])
import threadpoolctl, torch
from stages.shared.network import build_network
from tests.train.test_training import make_parameters, make_labeled
from stages.train.training import train
torch.manual_seed(0)
network = build_network((128, 64))
train(network, make_labeled(2000), make_labeled(100), make_parameters(epochs=1, optimizer=sys.argv[2]), lambda _: None)
weights = b"".join(tensor.numpy().tobytes() for tensor in network.state_dict().values())
[openblas] = [library for library in threadpoolctl.threadpool_info() if library["internal_api"] == "openblas"]
print(torch.get_num_threads(), torch.backends.cpu.get_cpu_capability())
print(openblas["num_threads"], openblas["architecture"])
print(hashlib.sha256(weights).hexdigest())
"""
PORTABLE = ["AVX2", "1", "Haswell"]  # torch's kernels; the threads and the kernels of OpenBLAS


SET_BY_PIN = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", *numerics.PORTABLE}


def train_apart(numerics: str, optimizer: str, **environment: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in SET_BY_PIN}
    command = [sys.executable, "-c", PROGRAM, numerics, optimizer]
    return subprocess.run(
        command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_portable_gives_the_same_bits_with_one_and_two_threads(optimizer: str) -> None:
    *settings, weights = train_apart("portable", optimizer)
    assert settings == ["1", *PORTABLE]
    *settings, weights_of_two = train_apart("portable", optimizer, OMP_NUM_THREADS="2")
    assert settings == ["2", *PORTABLE]
    assert weights == weights_of_two


def test_native_takes_one_thread_too() -> None:
    threads, _, openblas_threads, _, _ = train_apart("native", "sgd")
    assert (threads, openblas_threads) == ("1", "1")


@pytest.mark.parametrize("stage", ["train", "evaluate"])
def test_a_stage_that_pins_loads_nothing_before_that_would_miss_it(stage: str) -> None:
    program = f"import sys, stages.{stage}.__main__; sys.exit(bool({{'numpy', 'torch'}} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
