"""Kill `dvc exp run`, in the workspace, in a temporary folder and in the queue, at random moments."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from random import Random

import psutil

from tests.clone import Clone
from tests.faults.kills import kill_group, sleep_while_running, wait_until_ended
from tests.faults.restored import Edits, assert_restored, list_stages, wait_until
from tests.faults.scene import CHANGE, Fault, Scene, TooLate, assert_equal_outputs

EXPERIMENT = ("dvc", "exp", "run", *CHANGE, "--name")
EXPERIMENT_SECONDS = 12.0  # about as long as it runs
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
EDITED = ("README.md", "stages/train.py")
# What appears in .git while DVC stashes changes and checks an experiment out.
GIT_FILES = (
    "HEAD",
    "refs/stash",
    "refs/exps/stash",
    "refs/exps/exec/EXEC_MERGE",
    "refs/exps/exec/EXEC_BRANCH",
    "index.lock",
)


def kill_experiment(scene: Scene, folder: Path, random: Random) -> None:
    """Kill `dvc exp run` at any moment, sometimes with uncommitted edits, and restore."""
    clone = scene.copy(folder / "clone")
    edits = edit(clone) if random.random() < 0.5 else {}
    process = clone.start(*EXPERIMENT, "killed")
    sleep_while_running(process, random.uniform(0.1, EXPERIMENT_SECONDS))
    interrupt(clone, process, random)
    assert_restored(clone, scene, edits)


def kill_experiment_in_git(scene: Scene, folder: Path, random: Random) -> None:
    """Kill `dvc exp run` with edits, within 20 ms after it has created a file in .git or detached HEAD; restore."""
    clone = scene.copy(folder / "clone")
    edits = edit(clone)
    head = clone.folder / ".git/HEAD"
    name = random.choice(GIT_FILES)
    file = clone.folder / ".git" / name
    process = clone.start(*EXPERIMENT, "killed")
    while not (file.exists() and (file != head or not file.read_text().startswith("ref: "))):
        if process.poll() is not None:
            process.communicate()
            raise TooLate
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.02))
    interrupt(clone, process, random)
    assert_restored(clone, scene, edits)


def edit(clone: Clone) -> Edits:
    """Edit a document and code, which does not change what the code does."""
    edits = {path: (clone.folder / path).read_text() + "# An edit.\n" for path in EDITED}
    for path, content in edits.items():
        (clone.folder / path).write_text(content)
    return edits


def interrupt(clone: Clone, process: "subprocess.Popen[str]", random: Random) -> None:
    """Send a signal to dvc alone or to its process group, and wait until all has ended."""
    number = random.choice(SIGNALS)
    if random.random() < 0.5:
        kill_group(process, number)
    else:
        process.send_signal(number)  # dvc ignores SIGINT while a stage runs
        process.wait()
        if number != signal.SIGINT:
            wait_until_ended(clone)
        process.communicate()
    wait_until_ended(clone)


def kill_temp(scene: Scene, folder: Path, random: Random) -> None:
    """Kill `dvc exp run --temp`: its stage ends within ORPHAN_SECONDS; then restore."""
    clone = scene.copy(folder / "clone")
    process = clone.start("dvc", "exp", "run", "--temp", *CHANGE)
    sleep_while_running(process, random.uniform(0.1, EXPERIMENT_SECONDS))
    interrupt(clone, process, random)
    assert_restored(clone, scene)


def kill_queue(scene: Scene, folder: Path, random: Random) -> None:
    """Kill a worker of the queue, alone or with its experiment: the stage ends; then restore, and queue it again."""
    clone = scene.copy(folder / "clone")
    clone.run(*EXPERIMENT, "killed", "--queue")
    clone.start_queue()
    wait_until(lambda: bool(list_workers(clone)))
    if random.random() < 0.7:
        wait_until(lambda: bool(list_stages(clone)) or is_recorded(clone, "killed"))
    time.sleep(random.uniform(0, 4))
    if not kill_workers(clone, alone=random.random() < 0.5):
        raise TooLate
    wait_until_ended(clone)
    assert_restored(clone, scene)
    if not is_recorded(clone, "killed") and random.random() < 0.5:
        clone.run(*EXPERIMENT, "again", "--queue")
        clone.start_queue()
        wait_until(lambda: is_recorded(clone, "again"))
        kill_workers(clone, alone=False)  # they wait for more experiments
        wait_until_ended(clone)
        clone.run("dvc", "exp", "apply", "again")
        assert_equal_outputs(clone, scene.changed_outputs)
        assert_restored(clone, scene)


def kill_workers(clone: Clone, *, alone: bool) -> bool:
    """Kill the queue's workers, alone or with their experiments; return whether there were any."""
    workers = list_workers(clone)
    for worker in workers:
        with contextlib.suppress(ProcessLookupError, psutil.Error):  # it has ended meanwhile
            groups = {os.getpgid(child.pid) for child in [worker, *worker.children(recursive=True)]}
            if alone:
                worker.kill()
            for group in () if alone else groups:
                os.killpg(group, signal.SIGKILL)
    return bool(workers)


def list_workers(clone: Clone) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if "queue-worker" in process.cmdline() and Path(process.cwd()).is_relative_to(clone.folder):
                found.append(process)
    return found


def is_recorded(clone: Clone, experiment: str) -> bool:
    return f"/{experiment}\n" in clone.run("git", "for-each-ref", "refs/exps").stdout


FAULTS = {
    "kill_experiment": Fault("SIGKILL, SIGTERM or SIGINT of dvc exp run", 60, kill_experiment),
    "kill_experiment_in_git": Fault("the same while it changes files of Git", 60, kill_experiment_in_git),
    "kill_temp": Fault("the same of dvc exp run --temp", 20, kill_temp),
    "kill_queue": Fault("SIGKILL of a worker of the queue", 20, kill_queue),
}
