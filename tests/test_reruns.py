"""The tables of what reruns when, which docs/tables.py makes from dvc.yaml, against DVC."""

import json
import re

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
KEYS = list(read_yaml("params.yaml"))
BY_KEY = find_reruns_by_key(STAGES, KEYS)
BY_FILE = find_reruns_by_file(STAGES)
RERUN_BY_CHANGES = {"validate", "normalize", "train", "evaluate", "export"}
# Other values for keys, valid for the digits, each of which changes the outputs.
OF_NORMALIZE: dict[str, object] = {"mean": 0.25, "seed": 1, "std": 0.25, "validation_size": 140}
OF_TRAIN: dict[str, object] = {
    "augment": "affine",
    "batch_size": 50,
    "epochs": 4,
    "hidden_sizes": [24],
    "loss": "mse",
    "lr": 0.02,
    "momentum": 0.5,
    "numerics": "native",
    "optimizer": "rmsprop",
    "patience": 1,
    "schedule": "one_cycle",
    "weight_decay": 0.01,
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


def list_changed(clone: Clone, contents: dict[str, tuple[str, str]]) -> dict[str, list[str]]:
    """For each label of a file and its new content, list the changed stages in the order of the pipeline."""
    file = clone.folder.parent / "contents.json"  # too long for an argument
    file.write_text(json.dumps(contents))
    process = clone.run("python", "-c", LIST_CHANGED, str(file))
    return {label: sorted(names, key=list(STAGES).index) for label, names in json.loads(process.stdout).items()}


def test_key_changes_the_stages_that_list_it(light: Clone) -> None:
    """The stages after them rerun because their inputs change: the tests below run them."""
    text = (light.folder / "params.yaml").read_text()
    contents = {key: ("params.yaml", replace_value(text, key)) for key in KEYS}
    readers = {key: [name for name in STAGES if key in list_params(STAGES[name], "params.yaml")] for key in KEYS}
    changed = list_changed(light, contents)
    assert changed == {key: ["validate", *readers[key]] for key in KEYS}
    assert all(set(changed[key]) <= set(BY_KEY[key]) for key in KEYS)


def replace_value(text: str, key: str) -> str:
    changed, count = re.subn(rf"^{key}:.*(\n[- ].*)*", f"{key}: another", text, flags=re.MULTILINE)
    assert count == 1
    return changed


def test_comment_changes_the_stages_that_depend_on_the_file(light: Clone) -> None:
    files = {dep: find_file(dep) for dep in BY_FILE}
    contents = {dep: (file, (light.folder / file).read_text() + "# A comment.\n") for dep, file in files.items()}
    assert list_changed(light, contents) == BY_FILE


def find_file(dep: str) -> str:
    """Return a dependency, or a file within it."""
    files = sorted(path for path in (ROOT / dep).rglob("*.*") if "__pycache__" not in path.parts)
    return str(files[0].relative_to(ROOT)) if files else dep


def test_upgrade_changes_the_stages_that_list_the_package(light: Clone) -> None:
    text = (ROOT / "versions.yaml").read_text()
    packages = list(read_yaml("versions.yaml"))
    contents = {package: ("versions.yaml", text.replace(f'{package}: "', f'{package}: "9')) for package in packages}
    assert list_changed(light, contents) == find_reruns_by_package(STAGES, packages)


@pytest.mark.parametrize("changes", [OF_NORMALIZE, OF_TRAIN], ids=["normalize", "train"])
def test_dvc_repro_runs_the_stages_of_the_table(light: Clone, changes: dict[str, object]) -> None:
    light.set_parameters(**changes)
    check_run(light, BY_KEY[next(iter(changes))])


def check_run(clone: Clone, table: list[str]) -> None:
    """Check that `dvc repro` runs all stages of a table but those of one's own whose inputs turn out the same."""
    run = set(list_stages_run(clone.run("dvc", "repro")))
    assert set(table) & RERUN_BY_CHANGES <= run <= set(table)


def test_keys_of_a_stage_rerun_the_same() -> None:
    for keys in (OF_NORMALIZE, OF_TRAIN):
        assert len({tuple(BY_KEY[key]) for key in keys if key in BY_KEY}) == 1


def test_stages_after_a_comment_do_not_rerun(light: Clone) -> None:
    file = light.folder / "stages/train.py"
    file.write_text(file.read_text() + "# A comment.\n")
    assert list_stages_run(light.run("dvc", "repro")) == BY_FILE["stages/train.py"]
    assert light.run("git", "status", "--porcelain", "metrics").stdout == ""
