"""Kill runs at random moments, run again, and compare with an undisturbed run, bit for bit.

Run: python -m tests.faults --kills 20    (on the digits; prints how many were tried and survived)
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Clone

SETTINGS = {"dataset": "digits", "validation_size": 150, "epochs": 3, "hidden_sizes": [16]}
CHANGE = ("-S", "optimizer=adam", "-S", "lr=0.01")

Fault = Callable[["Undisturbed", Clone, float], bool]


def main() -> int:
    """Try each fault as often as asked; the exit status is 1 if any was not survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="how often to kill each kind of run")
    parser.add_argument("--seed", type=int, default=0, help="draws the moments")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)  # noqa: S311 - not for secrets
    survived_all = True
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = Undisturbed(Path(folder))
        for name, fault, window in (("dvc repro", kill_repro, (1, 10)), ("a queue worker", kill_queue, (0, 5))):
            survived = sum(undisturbed.survives(fault, moments.uniform(*window)) for _ in range(arguments.kills))
            print(f"kill -9 of {name}: {arguments.kills} tried, {survived} survived", flush=True)
            survived_all &= survived == arguments.kills
    return 0 if survived_all else 1


class Undisturbed:
    """A clone with small settings, before and after a run, and the dvc.lock of two runs: it has every output's hash."""

    def __init__(self, folder: Path) -> None:
        """Run the pipeline, and once more with a change."""
        self.fresh = Clone.of_working_tree(folder / "fresh")
        self.fresh.set_parameters(**SETTINGS)
        (self.fresh.folder / "dvc.lock").unlink()
        self.fresh.identify()
        self.fresh.commit("Small settings")
        self.run = self.fresh.copy(folder / "run")
        self.run.run("dvc", "repro")
        self.run.commit("Baseline")
        changed = self.run.copy(folder / "changed")
        changed.run("dvc", "exp", "run", *CHANGE)
        self.lock, self.changed_lock = read_lock(self.run), read_lock(changed)

    def survives(self, fault: Fault, moment: float) -> bool:
        """Tell whether what is run again after a fault ends in the same dvc.lock."""
        with tempfile.TemporaryDirectory() as folder:
            return fault(self, Clone(Path(folder) / "copy"), moment)


def read_lock(clone: Clone) -> str:
    """Read dvc.lock."""
    return (clone.folder / "dvc.lock").read_text()


def kill_repro(undisturbed: Undisturbed, clone: Clone, moment: float) -> bool:
    """Kill the process group of `dvc repro` that many seconds after its start, and run it again."""
    undisturbed.fresh.copy(clone.folder)
    process = subprocess.Popen(
        ["dvc", "repro"], cwd=clone.folder, env=clone.environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(moment)
    if process.poll() is not None:
        raise RuntimeError(f"dvc repro was over within {moment} s: nothing was killed")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    clone.run("dvc", "repro")
    return read_lock(clone) == undisturbed.lock


def kill_queue(undisturbed: Undisturbed, clone: Clone, moment: float) -> bool:
    """Kill the process group of a queue's worker that many seconds after it began, and queue the same again."""
    undisturbed.run.copy(clone.folder)
    clone.run("dvc", "exp", "run", "--queue", "--name", "killed", *CHANGE)
    clone.start_queue()
    wait_until(lambda: bool(worker_groups(clone)))
    time.sleep(moment)
    groups = worker_groups(clone)
    if not groups:
        raise RuntimeError(f"the queue was done within {moment} s: nothing was killed")
    for group in groups:
        os.killpg(group, signal.SIGKILL)
    clone.run("dvc", "exp", "run", "--queue", "--name", "again", *CHANGE)
    clone.start_queue()
    done = re.compile(r" again .*(Success|Failed) *$", flags=re.MULTILINE)
    wait_until(lambda: bool(done.search(clone.run("dvc", "queue", "status").stdout)))
    # Where the first had saved its result before it was killed, the second has nothing to add.
    names = clone.run("dvc", "exp", "list", "--name-only").stdout.split()
    clone.run("dvc", "exp", "apply", "again" if "again" in names else "killed")
    return read_lock(clone) == undisturbed.changed_lock


def wait_until(condition: Callable[[], bool], seconds: float = 180) -> None:
    """Wait for a condition, but not for ever."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.2)


def worker_groups(clone: Clone) -> set[int]:
    """Find the process groups of the queue's worker and of what it runs."""
    processes = clone.run("ps", "-eo", "pgid=,args=").stdout.splitlines()
    return {int(line.split()[0]) for line in processes if str(clone.folder / ".dvc/tmp/exps") in line}


if __name__ == "__main__":
    sys.exit(main())
