"""Kill the stage train at random moments, and resume it from its checkpoints."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random

import psutil

from dvc_guard.run.resume import FOLDERS
from tests.clone import Clone
from tests.faults.kills import wait_until_ended
from tests.faults.scene import Fault, Scene, TooLate, read_lock, read_outputs

TRAIN = ("dvc", "repro", "--single-item", "train")
EPOCHS = 60
SECONDS = 0.3  # between two checkpoints; an epoch on the digits takes 0.1 s
TOLERANCE = 1.5  # of the time between a checkpoint and a kill: an epoch, and the time to write on a busy machine
VARIANTS: dict[str, dict[str, object]] = {
    "sgd": {"optimizer": "sgd", "lr": 0.1, "momentum": 0.8},
    "adam": {"optimizer": "adam", "lr": 0.003, "augment": "elastic", "numerics": "native"},
    "one_cycle": {"optimizer": "adamw", "lr": 0.01, "schedule": "one_cycle", "augment": "elastic"},
    "patience": {"optimizer": "adam", "lr": 0.003, "augment": "affine", "patience": 25},
}


@cache
def prepare(scene: Scene, variant: str) -> tuple[Clone, dict[str, str]]:
    """Return a clone in which train has yet to run, and what an undisturbed run writes."""
    clone = scene.copy(scene.folder / variant / "clone")
    clone.set_parameters(epochs=EPOCHS, batch_size=32, **VARIANTS[variant])
    code = clone.folder / "stages/shared/checkpoint.py"
    code.write_text(re.sub("^SECONDS = .*", f"SECONDS = {SECONDS}", code.read_text(), flags=re.MULTILINE))
    undisturbed = clone.copy(scene.folder / variant / "undisturbed/clone")
    undisturbed.run(*TRAIN)
    return clone, read_results(undisturbed)


def read_results(clone: Clone) -> dict[str, str]:
    """Hash what train writes; its entry of dvc.lock is among it."""
    outputs = read_outputs(clone)
    results = {path: md5 for path, md5 in outputs.items() if path.startswith(("models/mlp.safe", "metrics/train/"))}
    return results | {"dvc.lock": str(read_lock(clone)["train"])}


class Progress:
    """The epochs that the runs of a training have printed."""

    def __init__(self) -> None:
        """Begin before the first run."""
        self.times: dict[int, float] = {}  # when each was printed last
        self.last = 0
        self.has_begun = False

    def read(self, lines: Iterable[str], until: int | None = None) -> None:
        """Read what a run prints; return after the line of the epoch `until`.

        Raises:
            AssertionError: the run does not resume after the last checkpoint.
        """
        for line in lines:
            if match := re.match(r"Resumed after epoch (\d+) of|Epoch (\d+)/", line):
                resumed, number = (int(group) if group else None for group in match.groups())
                if not self.has_begun:
                    self.has_begun = True
                    self._check(number - 1 if number else resumed or 0)
                if number:
                    self.times[number] = time.monotonic()
                    self.last = number
                    if number == until:
                        return

    def _check(self, resumed: int) -> None:
        """Check after which epoch a run resumes."""
        if self.last:
            seconds = self.times[self.last] - self.times[resumed]
            print(
                f"Killed after epoch {self.last}, resumed after {resumed}: {seconds:.2f} s trained twice",
                file=sys.stderr,
            )
            assert seconds <= SECONDS + TOLERANCE or self.last - resumed <= 2  # long epochs on a busy machine
        self.times[resumed] = time.monotonic()  # the time until the run began is not of training


def kill_training(scene: Scene, folder: Path, random: Random) -> None:
    """Kill train up to five times in a row; then run it to the end: what it writes is that of an undisturbed run."""
    variant = random.choice(list(VARIANTS))
    prepared, expected = prepare(scene, variant)
    clone = prepared.copy(folder / "clone")
    progress = Progress()
    for _ in range(random.randint(1, 5)):
        if progress.last > EPOCHS - 3:
            break
        process = start(clone, progress)
        wait_for_moment(clone, process, progress, random)
        kill(process, random)
        progress.read(process.communicate()[0].splitlines())
        wait_until_ended(clone)
    with start(clone, progress) as process:
        progress.read(process.stdout or ())
    assert process.returncode == 0
    assert read_results(clone) == expected, f"{variant}: differs from an undisturbed run"
    assert list((clone.folder / FOLDERS).iterdir()) == []


def start(clone: Clone, progress: Progress) -> "subprocess.Popen[str]":
    """Start or resume the training."""
    progress.has_begun = False
    return clone.start(*TRAIN)


def wait_for_moment(clone: Clone, process: "subprocess.Popen[str]", progress: Progress, random: Random) -> None:
    """Wait for a random epoch, or until a checkpoint is being written.

    Raises:
        TooLate: the training has ended.
    """
    progress.read(process.stdout or (), until=min(progress.last + random.randint(1, 20), EPOCHS - 1))
    if random.random() < 0.3:
        while process.poll() is None and not list((clone.folder / FOLDERS).glob("*/checkpoint.new")):
            pass
    else:
        time.sleep(random.uniform(0, 0.1))
    if process.poll() is not None:
        process.communicate()
        raise TooLate


def kill(process: "subprocess.Popen[str]", random: Random) -> None:
    """Kill dvc, the guard, its supervisor or the command of the stage, or the process group."""
    victims = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    if random.random() < 0.3:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        with contextlib.suppress(psutil.NoSuchProcess):
            random.choice(victims).kill()


FAULTS = {"kill_training": Fault("up to five times SIGKILL of train, which resumes", 40, kill_training)}
