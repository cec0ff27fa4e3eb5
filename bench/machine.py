"""The machine, package versions and commit that results were measured with."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.clone import ROOT

PACKAGES = ("torch", "torchvision", "dvc")
PRINT_CPU_CAPABILITY = "import torch; print(torch.backends.cpu.get_cpu_capability())"


def describe() -> str:
    """Return one line: processor, cores, instruction set; versions; commit and date (UTC)."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    # In a separate process, because importing torch would raise the peak memory of this one (see bench/runner.py).
    capability = read_output(sys.executable, "-c", PRINT_CPU_CAPABILITY)
    return (
        f"{find_processor()}, {os.cpu_count()} cores, {platform.machine()} with {capability}; "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {', '.join(versions)}; "
        f"commit {read_output('git', 'rev-parse', '--short', 'HEAD')}, {datetime.now(UTC):%Y-%m-%d}"
    )


def find_processor() -> str:
    """Return the model name from /proc/cpuinfo, or what `platform.processor` returns on systems without it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def read_output(*command: str) -> str:
    """Run a command in the repository and return its standard output, stripped."""
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - constants
    return process.stdout.strip()
