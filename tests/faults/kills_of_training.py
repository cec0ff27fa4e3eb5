"""Kill the stage train at random moments, and resume it from its checkpoints."""

import contextlib
import os
import re
import signal
import subprocess
import time
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
SECONDS = 0.1  # between two checkpoints; an epoch on the digits takes as long
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
    clone.set_parameters(epochs=EPOCHS, hidden_sizes=[16], **VARIANTS[variant])
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


def kill_training(scene: Scene, folder: Path, random: Random) -> None:
    """Kill train up to five times in a row; then run it to the end: what it writes is that of an undisturbed run."""
    variant = random.choice(list(VARIANTS))
    prepared, expected = prepare(scene, variant)
    clone = prepared.copy(folder / "clone")
    last = 0
    for _ in range(random.randint(1, 5)):
        if last > EPOCHS - 3:
            break
        process = clone.start(*TRAIN)
        last = wait_for_moment(clone, process, min(last + random.randint(5, 20), EPOCHS - 1), random)
        kill(process, random)
        process.communicate()
        wait_until_ended(clone)
    output = clone.run(*TRAIN).stdout
    resumed = [int(number) for number in re.findall(r"^Resumed after epoch (\d+) of", output, flags=re.MULTILINE)]
    assert resumed, f"{variant}: killed after epoch {last}, starts from the first"
    assert read_results(clone) == expected, f"{variant}: differs from an undisturbed run"
    assert list((clone.folder / FOLDERS).iterdir()) == []


def wait_for_moment(clone: Clone, process: "subprocess.Popen[str]", epoch: int, random: Random) -> int:
    """Wait for an epoch, and then a moment, or until a checkpoint is being written; return the epoch.

    Raises:
        TooLate: the training has ended.
    """
    assert process.stdout
    while not (line := process.stdout.readline()).startswith(f"Epoch {epoch}/"):
        if not line:
            raise TooLate
    if random.random() < 0.3:
        while process.poll() is None and not list((clone.folder / FOLDERS).glob("*/checkpoint.new")):
            pass
    else:
        time.sleep(random.uniform(0, 0.1))
    if process.poll() is not None:
        process.communicate()
        raise TooLate
    return epoch


def kill(process: "subprocess.Popen[str]", random: Random) -> None:
    """Kill dvc, the guard, its supervisor or the command of the stage, or the process group."""
    victims = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    if random.random() < 0.3:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        with contextlib.suppress(psutil.NoSuchProcess):
            random.choice(victims).kill()


FAULTS = {"kill_training": Fault("up to five times SIGKILL of train, which resumes", 40, kill_training)}
