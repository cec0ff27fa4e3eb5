"""Set parameters to values that are not allowed."""

import os
import re
from pathlib import Path
from random import Random

from tests.clone import Clone
from tests.faults.restored import assert_restored, describe
from tests.faults.scene import Fault, Scene, assert_equal_outputs

REJECTED = ("lr=0", "hidden_sizes=[0]", "validation_size=1491", "+momentun=0.9")
# Of the same number of characters as the values of the scene.
REJECTED_OF_SAME_SIZE = ("dataset: digist", "lr: 0.0", "epochs: [", "seed: :")


def reject_parameter(scene: Scene, folder: Path, random: Random) -> None:
    """Set a parameter to a value that is not allowed: it is rejected in one line, outputs stay; restore."""
    clone = scene.copy(folder / "clone")
    if random.random() < 0.5:
        process = clone.run("dvc", "exp", "run", "-S", random.choice(REJECTED), check=False)
    else:
        edit_in_place(clone, random.choice(REJECTED_OF_SAME_SIZE))
        process = clone.run("dvc", "repro", check=False)
    assert process.returncode != 0, describe(process)
    if "validate" in process.stdout:  # DVC itself rejects what is not YAML
        errors = [line for line in process.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, describe(process)
        assert errors[0].startswith("error: params.yaml"), describe(process)
    assert_equal_outputs(clone, scene.outputs)
    assert "Restored params.yaml" in assert_restored(clone, scene)


def edit_in_place(clone: Clone, line: str) -> None:
    """Replace a line of params.yaml by one of the same size within the second in which Git wrote its index."""
    path = clone.folder / "params.yaml"
    text = path.read_text()
    key = line.partition(":")[0]
    changed = re.sub(rf"^{key}: .*$", line, text, flags=re.MULTILINE)
    assert len(changed) == len(text), line
    assert changed != text, line
    path.touch()
    clone.run("git", "update-index", "--refresh")
    stat = path.stat()
    path.write_text(changed)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


FAULTS = {"reject_parameter": Fault("a parameter has a value that is not allowed", 40, reject_parameter)}
