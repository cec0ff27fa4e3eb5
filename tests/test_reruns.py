"""The tables of what reruns when, which docs/tables.py makes from dvc.yaml, against DVC."""

import json
import re
from collections.abc import Mapping

import pytest

from docs.tables import (
    find_reruns_by_file,
    find_reruns_by_key,
    find_reruns_by_package,
    list_params,
    read_yaml,
)
from tests.clone import ROOT, Clone, list_stages_run

STAGES = read_yaml("dvc.yaml")["stages"]
PACKAGES = list(read_yaml("versions.yaml"))
BY_KEY = find_reruns_by_key(STAGES, list(read_yaml("params.yaml")))
BY_FILE = find_reruns_by_file(STAGES)
BY_PACKAGE = find_reruns_by_package(STAGES, PACKAGES)
RERUN_BY_CHANGES = {"validate", "normalize", "train", "evaluate", "export"}
# Other values for keys, valid for the digits, each of which changes the outputs.
OF_NORMALIZE: dict[str, object] = {"mean": 0.25, "seed": 1, "std": 0.25, "validation_size": 140}
OF_TRAIN: dict[str, object] = {
    "batch_size": 50,
    "hidden_sizes": [24],
    "loss": "mse",
    "lr": 0.02,
    "optimizer": "rmsprop",
}

# Writes files with another content, one at a time, and prints for each which stages DVC then reports as changed.
LIST_CHANGED = """
import json, pathlib, sys
from dvc.repo import Repo
changed = {}
for label, (name, content) in json.loads(pathlib.Path(sys.argv[1]).read_text()).items():
    path = pathlib.Path(name)
    before = path.read_bytes()
    path.write_text(content)
    with Repo() as repo:
        changed[label] = list(repo.status())
    path.write_bytes(before)
print(json.dumps(changed))
"""


def test_change_is_seen_by_the_stages_of_the_table(light: Clone) -> None:
    """Those that a key, a file or a package changes itself; the tests below run the stages after them."""
    text, versions = ((light.folder / name).read_text() for name in ("params.yaml", "versions.yaml"))
    readers = {key: [name for name in STAGES if key in list_params(STAGES[name], "params.yaml")] for key in BY_KEY}
    expected = (
        {key: ["validate", *names] for key, names in choose(readers).items()} | choose(BY_FILE) | choose(BY_PACKAGE)
    )
    contents = {}
    for label in expected:
        if label in BY_KEY:
            contents[label] = ("params.yaml", replace_value(text, label))
        elif label in BY_PACKAGE:
            contents[label] = ("versions.yaml", versions.replace(f'{label}: "', f'{label}: "9'))
        else:
            contents[label] = (find_file(label), (light.folder / find_file(label)).read_text() + "# A comment.\n")
    file = light.folder.parent / "contents.json"  # too long for an argument
    file.write_text(json.dumps(contents))
    changed = json.loads(light.run("python", "-c", LIST_CHANGED, str(file)).stdout)
    assert {label: sorted(names, key=list(STAGES).index) for label, names in changed.items()} == expected
    assert all({"validate", *readers[key]} <= set(BY_KEY[key]) for key in BY_KEY)


def choose(table: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Choose the first of all that rerun the same stages, and all folders."""
    first = {tuple(stages): label for label, stages in reversed(list(table.items()))}
    return {label: names for label, names in table.items() if label in first.values() or (ROOT / label).is_dir()}


def replace_value(text: str, key: str) -> str:
    changed, count = re.subn(rf"^{key}:.*(\n[- ].*)*", f"{key}: another", text, flags=re.MULTILINE)
    assert count == 1
    return changed


def find_file(dep: str) -> str:
    """Return a dependency, or a file within it."""
    files = sorted(path for path in (ROOT / dep).rglob("*.*") if "__pycache__" not in path.parts)
    return str(files[0].relative_to(ROOT)) if files else dep


@pytest.mark.parametrize("changes", [OF_NORMALIZE, OF_TRAIN], ids=["normalize", "train"])
def test_dvc_repro_runs_the_stages_of_the_table(light: Clone, changes: dict[str, object]) -> None:
    """All but those of one's own whose inputs turn out the same."""
    [table] = {tuple(BY_KEY[key]) for key in changes if key in BY_KEY}
    light.set_parameters(**changes)
    run = set(list_stages_run(light.run("dvc", "repro").stdout))
    assert set(table) & RERUN_BY_CHANGES <= run <= set(table)


def test_stages_after_a_comment_do_not_rerun(light: Clone) -> None:
    file = light.folder / "stages/train.py"
    file.write_text(file.read_text() + "# A comment.\n")
    assert list_stages_run(light.run("dvc", "repro").stdout) == BY_FILE["stages/train.py"]
    assert light.run("git", "status", "--porcelain", "metrics").stdout == ""
