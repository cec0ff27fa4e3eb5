"""Kill `dvc repro` at random moments."""

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from random import Random

import psutil

from tests.clone import Clone
from tests.faults.restored import assert_restored, describe, list_processes, list_stages, wait_until
from tests.faults.scene import Fault, Scene, TooLate, assert_equal_outputs

STAGE_SECONDS = 4.0  # about as long as a stage runs, with DVC's work before and after
ORPHAN_SECONDS = 2.0  # a stage whose dvc was killed ends within this time
# DVC does not write its lists of locks, and dvc.lock, atomically.
DAMAGED_BY_DVC = re.compile(
    r"dvc\.lock' (is invalid|validation failed)|unable to read: '.*dvc\.lock'|RWLock-file|codec can't decode byte"
)


def kill_repro(scene: Scene, folder: Path, random: Random) -> None:
    """Kill the process group of `dvc repro`; run it again, and, in a copy, restore."""
    stage = random.choice(scene.stages)
    clone = scene.copy_before(stage, folder / "clone")
    process = clone.start("dvc", "repro")
    wait_for_moment(process, stage, random)
    kill_group(process)
    assert_restored(clone.copy(folder / "restored"), scene)
    repro_after_kill(clone, scene)


def kill_dvc(scene: Scene, folder: Path, random: Random) -> None:
    """Kill only the process of `dvc repro`, and run it again at once, while its stage may still run; then restore."""
    clone, process, family = start_at_moment(scene, folder, random)
    process.kill()
    process.wait()
    again = clone.start("dvc", "repro")
    wait_until(lambda: not list_running(family), ORPHAN_SECONDS)
    process.communicate()
    output, _ = again.communicate()
    assert again.returncode == 0 or DAMAGED_BY_DVC.search(output), output
    assert_restored(clone, scene)


def kill_guard(scene: Scene, folder: Path, random: Random) -> None:
    """Kill only the guard of a stage, its supervisor or its command: all end, and dvc fails; run it again; restore."""
    clone, process, family = start_at_moment(scene, folder, random)
    victims = list_running(family[:3])
    if not victims:
        process.communicate()
        raise TooLate
    random.choice(victims).kill()
    wait_until(lambda: not list_running(family), ORPHAN_SECONDS)
    output, _ = process.communicate()
    assert process.returncode != 0, output
    assert_restored(clone.copy(folder / "restored"), scene)
    repro_after_kill(clone, scene)


def repro_after_kill(clone: Clone, scene: Scene) -> None:
    """Run `dvc repro`, which resumes; restore if DVC was killed while it wrote one of its own files."""
    process = clone.run("dvc", "repro", check=False)
    assert not process.returncode or DAMAGED_BY_DVC.search(process.stderr), describe(process)
    if process.returncode or list((clone.folder / "data").rglob(".*.tmp")):  # DVC was killed while it linked an output
        assert_restored(clone, scene)
    else:
        assert_equal_outputs(clone, scene.outputs)


def start_at_moment(
    scene: Scene, folder: Path, random: Random
) -> tuple[Clone, "subprocess.Popen[str]", list[psutil.Process]]:
    """Start `dvc repro`, and wait for a random moment of a random stage; return all processes that it has started."""
    stage = random.choice(scene.stages)
    clone = scene.copy_before(stage, folder / "clone")
    process = clone.start("dvc", "repro")
    wait_for_moment(process, stage, random)
    return clone, process, psutil.Process(process.pid).children(recursive=True)


def wait_for_moment(
    process: "subprocess.Popen[str]", stage: str, random: Random, seconds: float = STAGE_SECONDS
) -> None:
    """Wait for a random time of at most `seconds` after the start of a stage; sometimes, of `dvc repro` itself.

    Raises:
        TooLate: the process ended before.
    """
    if random.random() < 0.8 and not any(f"Running stage '{stage}'" in line for line in process.stdout or ()):
        raise TooLate
    sleep_while_running(process, random.uniform(0, seconds))


def sleep_while_running(process: "subprocess.Popen[str]", seconds: float) -> None:
    """Sleep, and check that the process still runs.

    Raises:
        TooLate: it ended before.
    """
    time.sleep(seconds)
    if process.poll() is not None:
        process.communicate()
        raise TooLate


def kill_group(process: "subprocess.Popen[str]", number: int = signal.SIGKILL) -> None:
    """Send a signal to a process and all processes that it started in its group, and wait until they have ended."""
    os.killpg(process.pid, number)
    process.communicate()


def list_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    running = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                running.append(process)
    return running


def wait_until_ended(clone: Clone) -> None:
    """Check that no stage runs in a clone within ORPHAN_SECONDS, and wait for the other processes."""
    wait_until(lambda: not list_stages(clone), ORPHAN_SECONDS)
    wait_until(lambda: not list(list_processes(clone)), 60)


FAULTS = {
    "kill_repro": Fault("SIGKILL of the process group of dvc repro", 300, kill_repro),
    "kill_dvc": Fault("SIGKILL of only the process of dvc repro", 50, kill_dvc),
    "kill_guard": Fault("SIGKILL of only the guard, the supervisor or the command of a stage", 50, kill_guard),
}
