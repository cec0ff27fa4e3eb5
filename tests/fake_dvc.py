"""Stages of a few statements, and what runs them as dvc does: from a list of who writes what, each through a shell."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

DVC = """
import json, os, subprocess, sys
open(".dvc/tmp/rwlock", "w").write(json.dumps({"write": {"models": {"pid": os.getpid()}}}))
for command in sys.argv[1:]:
    if status := subprocess.run(command, shell=True).returncode:
        sys.exit(status)
"""


def write_stage(statements: str) -> list[str]:
    """Write the command of a stage whose `main` is one line of statements."""
    program = f"from stages.shared.stage import *\ndef main():\n {statements}\nrun(main)"
    return [sys.executable, "-c", program]


def start_dvc(folder: Path, *shell_commands: str, **environment: str) -> "subprocess.Popen[str]":
    """Start what runs the commands of stages in a folder with `.dvc/tmp`, and ends with the first that fails."""
    return subprocess.Popen(
        [sys.executable, "-c", DVC, *shell_commands],
        cwd=folder,
        env=os.environ | {"DVC_STAGE": "any", "DVC_ROOT": str(folder), "PYTHONPATH": str(ROOT)} | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_stages(folder: Path, *stages: str, **environment: str) -> "subprocess.Popen[str]":
    """Start stages of one line each, one after the other, under one dvc."""
    return start_dvc(folder, *(f"exec {shlex.join(write_stage(stage))}" for stage in stages), **environment)
