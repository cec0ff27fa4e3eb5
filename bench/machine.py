"""The machine and the versions that the figures hold for."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.clone import ROOT

PACKAGES = ("torch", "torchvision", "dvc")
CAPABILITY = "import torch; print(torch.backends.cpu.get_cpu_capability())"


def describe() -> str:
    """Describe them in a line."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    capability = ask(sys.executable, "-c", CAPABILITY)  # in a process of its own: torch would stay in this one's memory
    return (
        f"{find_processor()}, {os.cpu_count()} cores, {platform.machine()} with {capability}; "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {', '.join(versions)}; "
        f"commit {ask('git', 'rev-parse', '--short', 'HEAD')}, {datetime.now(UTC):%Y-%m-%d}"
    )


def find_processor() -> str:
    """Find the processor's name, where Linux says it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def ask(*command: str) -> str:
    """Return what a command prints."""
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return process.stdout.strip()
