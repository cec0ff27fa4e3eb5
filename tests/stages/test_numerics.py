import json
import os
import platform
import subprocess
import sys
from typing import Any

import pytest

from stages.shared.numerics import READ_BY_LIBRARIES, Numerics
from tests.clone import ROOT

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="portable is for x86-64 only")

# MKL uses no more threads than the machine has cores, unless MKL_DYNAMIC is FALSE.
REAL_THREADS = {"MKL_DYNAMIC": "FALSE", "OMP_WAIT_POLICY": "PASSIVE"}
ENVIRONMENT = REAL_THREADS | {
    "OMP_NUM_THREADS": "abc",  # libgomp then uses all cores
    "MKL_NUM_THREADS": "3",
    "MKL_VML_DEBUG_CPU_TYPE": "9",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
}


def compute_results(numerics: Numerics, environment: dict[str, str]) -> Any:
    """Run compute_results.py in this environment, without other variables that libraries read."""
    ignored = (*READ_BY_LIBRARIES, "OPENBLAS_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ignored)}
    command = [sys.executable, "-m", "tests.stages.compute_results", numerics]
    process = subprocess.run(
        command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])  # after the lines of the epochs


@pytest.mark.slow
def test_portable_pins_kernels_and_threads_whatever_the_environment() -> None:
    expected = compute_results("portable", {})
    assert expected["settings"] == {
        "threads": 1,
        "kernels": "AVX2",
        "OpenBLAS threads": 1,
        "OpenBLAS kernels": "Haswell",
    }
    assert expected["results"]["augmented with two threads"] == expected["results"]["augmented"]
    assert compute_results("portable", ENVIRONMENT) == expected


@pytest.mark.parametrize("threads", [1, 3])
def test_native_uses_threads_of_environment(threads: int) -> None:
    environment = {"OMP_NUM_THREADS": str(threads)} if threads > 1 else {}  # one is the default
    settings = compute_results("native", REAL_THREADS | environment)["settings"]
    assert (settings["threads"], settings["OpenBLAS threads"]) == (threads, 1)
