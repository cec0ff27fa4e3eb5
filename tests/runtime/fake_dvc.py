"""A program that runs stages as dvc does: it is listed as a writer in DVC's lock file, and starts each in a shell."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.clone import ROOT

DVC = """
import json, os, subprocess, sys
open(".dvc/tmp/rwlock", "w").write(json.dumps({"write": {"models": {"pid": os.getpid()}}}))
for command in sys.argv[1:]:
    if command == "exec-run":
        continue  # only for the command line
    if status := subprocess.run(command, shell=True).returncode:
        sys.exit(status)
"""

STAGE = """
import ctypes, json, os, shutil, time
from runtime.errors import StageError
from runtime.parameters import StageParameters
from runtime.stage import run
def main(_):
    {statement}
run("any", main, StageParameters)
"""


def create_project(folder: Path) -> Path:
    """Write the files that a stage without dependencies needs."""
    (folder / ".dvc/tmp").mkdir(parents=True)
    (folder / "dvc.yaml").write_text("stages: {any: {cmd: any}}")
    (folder / "params.yaml").write_text("lr: 0.01\n")
    return folder


def stage_command(statement: str) -> list[str]:
    """Return the command of a stage whose `main` is one statement."""
    return [sys.executable, "-c", STAGE.format(statement=statement)]


def start_dvc(
    folder: Path, *shell_commands: str, worker: Sequence[str] = (), **environment: str
) -> "subprocess.Popen[str]":
    """Start the program, as the child of `worker`; it runs the commands in turn until one fails."""
    return subprocess.Popen(
        [*worker, sys.executable, "-c", DVC, *shell_commands],
        cwd=folder,
        env=os.environ | {"DVC_STAGE": "any", "DVC_ROOT": str(folder), "PYTHONPATH": str(ROOT)} | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_stages(folder: Path, *statements: str, **environment: str) -> "subprocess.Popen[str]":
    """Start the program with stages of one statement each."""
    commands = (f"exec {shlex.join(stage_command(statement))}" for statement in statements)
    return start_dvc(folder, *commands, **environment)
