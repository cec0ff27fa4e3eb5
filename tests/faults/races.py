"""Start two runs at once: their results are not mixed."""

import re
import sys
import time
from pathlib import Path
from random import Random

from tests.clone import Clone
from tests.faults.restored import assert_restored
from tests.faults.scene import CHANGE, Fault, Scene, assert_equal_outputs, read_lock, read_outputs

EXPERIMENT = ("dvc", "exp", "run", "--name")
TEMP_EXPERIMENT = ("dvc", "exp", "run", "--temp", "--name")
OTHER_CHANGE = ("-S", "optimizer=sgd", "-S", "lr=0.2")
REFUSED = re.compile(
    "is busy, it is being blocked by|Unable to acquire lock|error: params.yaml: another dvc exp run, started at the"
)


def race(
    clone: Clone, random: Random, first: tuple[str, ...], second: tuple[str, ...], seconds: float = 4
) -> list[tuple[int, str]]:
    """Start two commands, the second up to `seconds` after the first; return exit statuses and outputs."""
    processes = [clone.start(*first)]
    time.sleep(random.uniform(0, seconds))
    processes.append(clone.start(*second))
    outputs = [process.communicate()[0] for process in processes]
    return [(process.returncode, output) for process, output in zip(processes, outputs, strict=True)]


def two_repros(scene: Scene, folder: Path, random: Random) -> None:
    """Start `dvc repro` twice: one succeeds, and the other succeeds or is refused with a message."""
    clone = scene.copy_before(random.choice(scene.stages), folder / "clone")
    results = race(clone, random, ("dvc", "repro"), ("dvc", "repro"))
    assert [status for status, _ in results].count(0) >= 1, results
    for status, output in results:
        assert status == 0 or REFUSED.search(output), output
    clone.run("dvc", "repro")
    assert_equal_outputs(clone, scene.outputs)
    assert_restored(clone, scene)


def two_experiments(scene: Scene, folder: Path, random: Random) -> None:
    """Start two `dvc exp run` in one workspace: each is recorded with its own parameters, or refused with a message.

    DVC lets both start within the second before the first stage: then both are refused, or the second runs after the
    first.
    """
    clone = scene.copy(folder / "clone")
    one, other = (*EXPERIMENT, "one", *CHANGE), (*EXPERIMENT, "other", *OTHER_CHANGE)
    results = race(clone, random, one, other, seconds=10)
    listed = clone.run("dvc", "exp", "list", "--name-only").stdout.split()
    recorded = [name for name in ("one", "other") if name in listed]
    print(f"two_experiments: recorded {', '.join(recorded) or 'none'}", file=sys.stderr)
    assert len(recorded) == [status for status, _ in results].count(0), results
    for status, output in results:
        assert status == 0 or REFUSED.search(output), output
    clone.run("dvc", "repro")
    outputs = read_outputs(clone)
    clone.run("dvc", "repro", "--force", "--no-run-cache")
    assert_equal_outputs(clone, outputs)
    for name, expected in ("one", ("adam", 0.01)), ("other", ("sgd", 0.2)):
        if name in recorded:
            clone.run("dvc", "exp", "apply", name)
            parameters = read_lock(clone)["train"]["params"]["params.yaml"]
            assert (parameters["optimizer"], parameters["lr"]) == expected
    assert_restored(clone, scene)
    clone.run(*EXPERIMENT, "again", *CHANGE)
    assert_equal_outputs(clone, scene.changed_outputs)
    assert_restored(clone, scene)


def two_temp_experiments(scene: Scene, folder: Path, random: Random) -> None:
    clone = scene.copy(folder / "clone")
    first, second = (*TEMP_EXPERIMENT, "one", *CHANGE), (*TEMP_EXPERIMENT, "other", *OTHER_CHANGE)
    for status, output in race(clone, random, first, second):
        assert status == 0, output
    clone.run("dvc", "exp", "apply", "one")
    assert_equal_outputs(clone, scene.changed_outputs)
    assert_restored(clone, scene)


FAULTS = {
    "two_repros": Fault("two dvc repro at once", 20, two_repros),
    "two_experiments": Fault("two dvc exp run at once in one workspace", 20, two_experiments),
    "two_temp_experiments": Fault("two dvc exp run --temp at once", 20, two_temp_experiments),
}
