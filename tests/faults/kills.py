"""Kill runs at random moments with -9."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.conftest import MNIST_MIRROR, Clone
from tests.faults.scene import (
    CHANGE,
    STATES,
    Fault,
    Scene,
    TooLate,
    assert_equal_outputs,
    read_outputs,
    repro_after_kill,
    start,
)

ORPHAN_SECONDS = 2.0  # within which a stage whose dvc was killed has to end


def kill_repro(scene: Scene, folder: Path, random: Random) -> None:
    """Kill the process group of `dvc repro`, and run it again."""
    clone = scene.fresh.copy(folder / "clone")
    kill_group(start(clone, "dvc", "repro"), random.uniform(0.3, scene.seconds))
    repro_after_kill(clone)
    assert_equal_outputs(clone, scene.outputs)


def kill_repro_again(scene: Scene, folder: Path, random: Random) -> None:
    """Kill the process group of `dvc repro` five times in a row, then let it end."""
    clone = scene.fresh.copy(folder / "clone")
    for _ in range(5):
        kill_group(start(clone, "dvc", "repro"), random.uniform(0.3, scene.seconds / 3))
    repro_after_kill(clone)
    assert_equal_outputs(clone, scene.outputs)


def kill_real_repro(scene: Scene, folder: Path, random: Random) -> None:
    """Kill the process group of `dvc repro` on real MNIST, and run it again: dvc.lock comes out as committed."""
    clone = Clone.of_working_tree(folder / "clone")
    clone.environment["MNIST_MIRROR"] = MNIST_MIRROR
    committed = read_outputs(clone)
    kill_group(start(clone, "dvc", "repro"), random.uniform(0.3, 3 * scene.seconds))
    repro_after_kill(clone)
    found = read_outputs(clone)
    assert committed.items() <= found.items(), "differs from what is committed"


def kill_dvc(scene: Scene, folder: Path, random: Random) -> None:
    """Kill the process of `dvc repro` alone, and run it again at once, beside what it has left."""
    clone = scene.fresh.copy(folder / "clone")
    process = start(clone, "dvc", "repro")
    let_run(process, random.uniform(0.3, scene.seconds))
    process.kill()
    process.wait()
    killed = time.monotonic()
    again = start(clone, "dvc", "repro")
    while processes := processes_of_session(clone, process.pid):
        assert time.monotonic() - killed < ORPHAN_SECONDS, f"still alive: {processes}"
        time.sleep(0.05)
    process.communicate()
    output, _ = again.communicate()
    assert again.returncode == 0 or any(state.is_named_in(output) for state in STATES), output
    repro_after_kill(clone)
    assert_equal_outputs(clone, scene.outputs)


def kill_queue(scene: Scene, folder: Path, random: Random) -> None:
    """Kill the process groups of a queue's worker and of what it runs, and queue the same again."""
    clone = scene.run.copy(folder / "clone")
    clone.run("dvc", "exp", "run", "--queue", "--name", "killed", *CHANGE)
    clone.start_queue()
    wait_until(lambda: bool(worker_groups(clone)))
    time.sleep(random.uniform(0, 5))
    groups = worker_groups(clone)
    if not groups:
        raise TooLate
    for group in groups:
        os.killpg(group, signal.SIGKILL)
    clone.run("dvc", "exp", "run", "--queue", "--name", "again", *CHANGE)
    clone.start_queue()
    done = re.compile(r" again .*(Success|Failed) *$", flags=re.MULTILINE)
    wait_until(lambda: bool(done.search(clone.run("dvc", "queue", "status").stdout)))
    # Where the first had saved its result before it was killed, the second has nothing to add.
    names = clone.run("dvc", "exp", "list", "--name-only").stdout.split()
    clone.run("dvc", "exp", "apply", "again" if "again" in names else "killed")
    assert_equal_outputs(clone, scene.changed_outputs)


def kill_group(process: "subprocess.Popen[str]", seconds: float) -> None:
    """Kill a process and all that it started, after that many seconds."""
    let_run(process, seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def let_run(process: "subprocess.Popen[str]", seconds: float) -> None:
    """Let a process run for that many seconds.

    Raises:
        TooLate: it was over by then.
    """
    time.sleep(seconds)
    if process.poll() is not None:
        process.communicate()
        raise TooLate


def processes_of_session(clone: Clone, session: int) -> list[str]:
    """List the processes of a session that have not ended."""
    lines = clone.run("ps", "-eo", "sess=,stat=,args=").stdout.splitlines()
    return [line for line in lines if line.split()[0] == str(session) and not line.split()[1].startswith("Z")]


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


FAULTS = {
    "kill_repro": Fault("kill -9 of all of dvc repro", 300, kill_repro),
    "kill_repro_again": Fault("five kill -9 of all of dvc repro in a row", 60, kill_repro_again),
    "kill_dvc": Fault("kill -9 of the dvc process alone", 50, kill_dvc),
    "kill_queue": Fault("kill -9 of a queue worker", 20, kill_queue),
}
if MNIST_MIRROR:
    FAULTS["kill_real_repro"] = Fault("kill -9 of all of dvc repro on real MNIST", 20, kill_real_repro)
