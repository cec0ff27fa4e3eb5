import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stages.shared.numerics import READ_BY_LIBRARIES
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


QEMU = shutil.which("qemu-x86_64")
IS_AMD = platform.machine() == "x86_64" and "AuthenticAMD" in Path("/proc/cpuinfo").read_text()
OTHER_VENDOR = [QEMU, "-cpu", "Haswell" if IS_AMD else "EPYC"]


def compute_results(*arguments: str, emulator: Sequence[str | None] = (), **environment: str) -> list[Any]:
    """Run compute_results.py in this environment, without other variables that libraries read."""
    ignored = (*READ_BY_LIBRARIES, "OPENBLAS_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ignored)}
    command = [*filter(None, emulator), sys.executable, "-m", "tests.stages.compute_results", *arguments]
    process = subprocess.run(
        command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    results = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]
    assert len(results) == 2, process.stderr
    return results


@pytest.mark.slow
def test_portable_pins_kernels_and_threads_whatever_the_environment() -> None:
    expected = compute_results("portable")
    for part in expected:
        assert part["settings"] == {
            "threads": 1,
            "kernels": "AVX2",
            "OpenBLAS threads": 1,
            "OpenBLAS kernels": "Haswell",
        }
    assert compute_results("portable", **ENVIRONMENT) == expected


@pytest.mark.slow
@pytest.mark.skipif(QEMU is None, reason="no qemu-x86_64 (Debian's qemu-user) to emulate another processor with")
def test_portable_gives_the_same_bits_on_another_processor() -> None:
    """QEMU 7.2 computes torch's AVX2 kernel of grid_sample incorrectly: augmentation has the default ones."""
    expected = compute_results("portable", "default")
    assert [part["settings"]["kernels"] for part in expected] == ["AVX2", "DEFAULT"]
    assert compute_results("portable", "default", emulator=OTHER_VENDOR) == expected


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_native_uses_threads_of_environment(threads: int) -> None:
    environment = {"OMP_NUM_THREADS": str(threads)} if threads > 1 else {}  # one is the default
    settings = compute_results("native", **REAL_THREADS, **environment)[0]["settings"]
    assert (settings["threads"], settings["OpenBLAS threads"]) == (threads, 1)
