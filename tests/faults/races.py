"""Start two runs at once in one workspace: nothing is mixed, and what was not run runs afterwards."""

import re
import sys
import time
from pathlib import Path
from random import Random

from tests.conftest import Clone
from tests.faults.scene import CHANGE, Fault, Scene, assert_equal_outputs, read_lock, read_outputs, start

EXPERIMENT = ("dvc", "exp", "run", "--name")
APART = ("dvc", "exp", "run", "--temp", "--name")
OTHER_CHANGE = ("-S", "optimizer=sgd", "-S", "lr=0.2")
MEND = "git restore . && dvc checkout"  # as the README says
REFUSED = re.compile(r"is busy, it is being blocked by|Unable to acquire lock|error: params.yaml: can be of another")


def race(
    clone: Clone, random: Random, first: tuple[str, ...], second: tuple[str, ...], seconds: float = 4
) -> list[tuple[int, str]]:
    """Start two commands, the second up to `seconds` after the first; return exit statuses and what was printed."""
    processes = [start(clone, *first)]
    time.sleep(random.uniform(0, seconds))
    processes.append(start(clone, *second))
    outputs = [process.communicate()[0] for process in processes]
    return [(process.returncode, output) for process, output in zip(processes, outputs, strict=True)]


def two_repros(scene: Scene, folder: Path, random: Random) -> None:
    """Start `dvc repro` twice: one works, and the other is refused in words."""
    clone = scene.fresh.copy(folder / "clone")
    results = race(clone, random, ("dvc", "repro"), ("dvc", "repro"))
    assert [status for status, _ in results].count(0) >= 1, results
    for status, output in results:
        assert status == 0 or REFUSED.search(output), output
    clone.run("dvc", "repro")
    assert_equal_outputs(clone, scene.outputs)


def two_experiments(scene: Scene, folder: Path, random: Random) -> None:
    """Start two `dvc exp run` in one workspace: what is recorded is what was asked for, or it was refused.

    DVC lets both in within the second before the first stage: then both are refused, or the second follows the first.
    """
    clone = scene.run.copy(folder / "clone")
    one, other = (*EXPERIMENT, "one", *CHANGE), (*EXPERIMENT, "other", *OTHER_CHANGE)
    results = race(clone, random, one, other, seconds=scene.seconds)
    recorded = clone.run("dvc", "exp", "list", "--name-only").stdout.split()
    print(f"recorded of two experiments at once: {', '.join(recorded) or 'none'}", file=sys.stderr)
    assert len(recorded) == [status for status, _ in results].count(0), results
    for status, output in results:
        assert status == 0 or REFUSED.search(output), output
    clone.run("dvc", "repro")
    outputs = read_outputs(clone)
    clone.run("dvc", "repro", "--force", "--no-run-cache")
    assert_equal_outputs(clone, outputs)
    for name, asked in ("one", ("adam", 0.01)), ("other", ("sgd", 0.2)):
        if name in recorded:
            clone.run("dvc", "exp", "apply", name)
            parameters = read_lock(clone)["train"]["params"]["params.yaml"]
            assert (parameters["optimizer"], parameters["lr"]) == asked
    clone.run("sh", "-c", MEND)
    clone.run(*EXPERIMENT, "again", *CHANGE)
    assert_equal_outputs(clone, scene.changed_outputs)


def two_experiments_apart(scene: Scene, folder: Path, random: Random) -> None:
    """Start two `dvc exp run --temp`: both work."""
    clone = scene.run.copy(folder / "clone")
    for status, output in race(clone, random, (*APART, "one", *CHANGE), (*APART, "other", *OTHER_CHANGE)):
        assert status == 0, output
    clone.run("dvc", "exp", "apply", "one")
    assert_equal_outputs(clone, scene.changed_outputs)


FAULTS = {
    "two_repros": Fault("two dvc repro at once", 20, two_repros),
    "two_experiments": Fault("two dvc exp run at once in one workspace", 20, two_experiments),
    "two_experiments_apart": Fault("two dvc exp run --temp at once", 20, two_experiments_apart),
}
