"""Run commands and measure their wall time and peak memory; run several programs in interleaved rounds.

This module, and each module that starts processes, must not import large packages: on Linux, a child process starts
with the peak memory of its parent.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

Name = TypeVar("Name", bound=Hashable)
Result = TypeVar("Result")

ROUNDS = 5


class CommandError(Exception):
    """A command exited with a nonzero `status`; a negative one is the signal that ended it."""

    def __init__(self, message: str, status: int) -> None:
        """Keep the status."""
        super().__init__(message)
        self.status = status


class Run(NamedTuple):
    """Wall time, peak resident memory in MB (10^6 bytes), and output of a finished command."""

    seconds: float
    peak_megabytes: float
    stdout: str
    stderr: str

    def parse_report(self) -> Any:
        """Parse the last line of the standard output as JSON."""
        return json.loads(self.stdout.splitlines()[-1])


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Run:
    """Run a command in `folder`, with empty standard input, and wait for it.

    Raises:
        CommandError: the exit status is not 0; the message contains the output.
    """
    # Files instead of pipes: a background process that the command starts would keep pipes open.
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - only commands of this package
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        result = Run(seconds, usage.ru_maxrss * 1024 / 1e6, stdout.read(), stderr.read())
    if process.returncode:
        message = f"{' '.join(command)} exited with {process.returncode}:\n{result.stdout}\n{result.stderr}"
        raise CommandError(message, process.returncode)
    return result


def interleave(programs: Mapping[Name, Callable[[int], Result]], rounds: int) -> dict[Name, list[Result]]:
    """Call each program once per round (A B C A B C ...) with the number of the round, from 0.

    Interleaving spreads changes in the speed of the machine over all programs.
    """
    results: dict[Name, list[Result]] = {name: [] for name in programs}
    for number in range(rounds):
        for name, program in programs.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            results[name].append(program(number))
    return results
