"""Kill runs with SIGKILL at random moments."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.clone import Clone
from tests.conftest import MNIST_MIRROR
from tests.faults.scene import (
    STATES,
    Fault,
    Scene,
    TooLate,
    assert_equal_outputs,
    read_lock,
    read_outputs,
    repro_after_kill,
)

STAGE_SECONDS = 4.0  # about as long as a stage runs, with DVC's work before and after
ORPHAN_SECONDS = 2.0  # a stage whose dvc was killed ends within this time


def kill_repro(scene: Scene, folder: Path, random: Random) -> None:
    """Kill the process group of `dvc repro`, and run it again."""
    stage = random.choice(scene.stages)
    clone = scene.copy_before(stage, folder / "clone")
    process = clone.start("dvc", "repro")
    wait_for_moment(process, stage, random)
    kill_group(process)
    repro_after_kill(clone)
    assert_equal_outputs(clone, scene.outputs)


def kill_repro_again(scene: Scene, folder: Path, random: Random) -> None:
    """Kill the process group of `dvc repro` five times in a row, then run it to the end."""
    clone = scene.copy_before(scene.stages[0], folder / "clone")
    for _ in range(5):
        process = clone.start("dvc", "repro")
        sleep_while_running(process, random.uniform(0.3, STAGE_SECONDS))
        kill_group(process)
    repro_after_kill(clone)
    assert_equal_outputs(clone, scene.outputs)


def kill_real_repro(scene: Scene, folder: Path, random: Random) -> None:
    """Kill the process group of `dvc repro` on MNIST, and run it again: dvc.lock is identical to the committed one."""
    clone = Clone.of_working_tree(folder / "clone")
    clone.environment["MNIST_MIRROR"] = MNIST_MIRROR
    committed = read_outputs(clone)
    process = clone.start("dvc", "repro")
    wait_for_moment(process, random.choice(scene.stages), random, seconds=2 * STAGE_SECONDS)
    kill_group(process)
    repro_after_kill(clone)
    found = read_outputs(clone)
    different = sorted(name for name, digest in committed.items() if found.get(name) != digest)
    assert not different, f"differ from the committed files: {', '.join(different)}"


def kill_dvc(scene: Scene, folder: Path, random: Random) -> None:
    """Kill only the process of `dvc repro`, and run it again at once, while its stage may still run."""
    stage = random.choice(scene.stages)
    clone = scene.copy_before(stage, folder / "clone")
    process = clone.start("dvc", "repro")
    wait_for_moment(process, stage, random)
    process.kill()
    process.wait()
    killed = time.monotonic()
    again = clone.start("dvc", "repro")
    while orphans := list_session(clone, process.pid):
        assert time.monotonic() - killed < ORPHAN_SECONDS, f"still running: {orphans}"
        time.sleep(0.05)
    process.communicate()
    output, _ = again.communicate()
    assert again.returncode == 0 or any(state.is_reported(output) for state in STATES), output
    repro_after_kill(clone)
    assert_equal_outputs(clone, scene.outputs)


def kill_queue(scene: Scene, folder: Path, random: Random) -> None:
    """Kill a worker of the queue with its experiment, and queue the same experiment again."""
    clone = scene.copy_before(random.choice(scene.stages), folder / "clone")
    lr = read_lock(scene.run)["train"]["params"]["params.yaml"]["lr"]
    clone.set_parameters(lr=lr / 2)
    clone.commit("Other settings")
    queue = ("dvc", "exp", "run", "--queue", "-S", f"lr={lr}", "--name")
    clone.run(*queue, "killed")
    clone.start_queue()
    wait_until(lambda: bool(list_worker_groups(clone)))
    time.sleep(random.uniform(0, 5))
    if not kill_workers(clone):
        raise TooLate
    name = "killed"
    if not is_recorded(clone, name):
        name = "again"
        clone.run(*queue, name)
        clone.start_queue()
        wait_until(lambda: is_recorded(clone, name))
    clone.run("dvc", "exp", "apply", name)
    kill_workers(clone)  # they wait for more experiments
    assert_equal_outputs(clone, scene.outputs)


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


def kill_group(process: "subprocess.Popen[str]") -> None:
    """Kill a process and all processes that it started in its group."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def list_session(clone: Clone, session: int) -> list[str]:
    """List the processes of a session that have not ended."""
    lines = clone.run("ps", "-eo", "sess=,stat=,args=").stdout.splitlines()
    return [line for line in lines if line.split()[0] == str(session) and not line.split()[1].startswith("Z")]


def wait_until(condition: Callable[[], bool], seconds: float = 180) -> None:
    """Wait for a condition; raise AssertionError if it is not met within that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)


def kill_workers(clone: Clone) -> bool:
    """Kill the queue's workers and their experiments; return whether there were any."""
    groups = list_worker_groups(clone)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.killpg(group, signal.SIGKILL)
    return bool(groups)


def list_worker_groups(clone: Clone) -> set[int]:
    """List the process groups of the queue's workers and of their experiments."""
    processes = clone.run("ps", "-eo", "pgid=,args=").stdout.splitlines()
    return {int(line.split()[0]) for line in processes if str(clone.folder / ".dvc/tmp/exps") in line}


def is_recorded(clone: Clone, experiment: str) -> bool:
    """Whether DVC has recorded an experiment of that name."""
    return f"/{experiment}\n" in clone.run("git", "for-each-ref", "refs/exps").stdout


FAULTS = {
    "kill_repro": Fault("SIGKILL of the process group of dvc repro", 300, kill_repro),
    "kill_repro_again": Fault("five times SIGKILL of the process group of dvc repro", 60, kill_repro_again),
    "kill_dvc": Fault("SIGKILL of only the process of dvc repro", 50, kill_dvc),
    "kill_queue": Fault("SIGKILL of a worker of the queue", 20, kill_queue),
}
if MNIST_MIRROR:
    FAULTS["kill_real_repro"] = Fault("SIGKILL of the process group of dvc repro on MNIST", 20, kill_real_repro)
