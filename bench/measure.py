"""Measure: what a process takes, and several contestants by turns, so that whatever slows one slows the others too.

This module and those that start processes import nothing heavy: on Linux a process begins with the peak memory of the
one that it was forked from.
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
    """A command that is measured failed."""


class Run(NamedTuple):
    """What a process took, and what it printed."""

    seconds: float
    peak_megabytes: float
    output: str
    errors: str

    def report(self) -> Any:
        """Parse the last line that it printed, which the programs of this folder write as JSON."""
        return json.loads(self.output.splitlines()[-1])


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Run:
    """Run a command without a terminal, to its end.

    Raises:
        CommandError: its exit status is not 0; shows all that it printed.
    """
    # Files, not pipes, which a process that the command leaves behind would keep open.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - the commands are this folder's own
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        result = Run(seconds, usage.ru_maxrss * 1024 / 1e6, output.read(), errors.read())
    if process.returncode:
        raise CommandError(f"{' '.join(command)} exited with {process.returncode}:\n{result.output}\n{result.errors}")
    return result


def interleave(contestants: Mapping[Name, Callable[[int], Result]], rounds: int) -> dict[Name, list[Result]]:
    """Call all contestants in turn, A B C A B C ..., each with the number of the round, from 0."""
    results: dict[Name, list[Result]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name, contestant in contestants.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            results[name].append(contestant(number))
    return results
