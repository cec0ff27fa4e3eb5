"""The tables of what reruns when, in docs/experiments.md: by key, file, folder and package."""

import json
import re

import pytest
from ruamel.yaml import YAML

from tests.clone import ROOT, Clone, list_stages_run

STAGES = ["validate", "download", "normalize", "train", "evaluate", "export"]
KEYS = sorted(YAML(typ="safe").load(ROOT / "params.yaml"))
PIPELINE = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
VERSIONS = dict(YAML(typ="safe").load(ROOT / "versions.yaml"))
# Another value for each key, valid for the digits.
OF_NORMALIZE: dict[str, object] = {"mean": 0.25, "seed": 1, "std": 0.25, "validation_size": 140}
OF_TRAIN: dict[str, object] = {
    "augment": "affine",
    "batch_size": 50,
    "epochs": 4,
    "hidden_sizes": [24],
    "loss": "mse",
    "lr": 0.02,
    "momentum": 0.5,
    "optimizer": "rmsprop",
    "patience": 1,
    "schedule": "one_cycle",
    "weight_decay": 0.01,
}
OTHERS: dict[str, object] = {"dataset": "mnist", "numerics": "native"}

# Writes files with another content, one at a time, and prints for each which stages DVC then reports as changed.
LIST_CHANGED = """
import json, pathlib, sys
from dvc.repo import Repo
changed = {}
for label, (name, content) in json.loads(sys.argv[1]).items():
    path = pathlib.Path(name)
    before = path.read_bytes()
    path.write_text(content)
    with Repo() as repo:
        changed[label] = list(repo.status())
    path.write_bytes(before)
print(json.dumps(changed))
"""


def read_tables() -> dict[str, list[str]]:
    """Read the stages that rerun, by what is changed."""
    section = (ROOT / "docs/experiments.md").read_text().partition("## What reruns when")[2].partition("\n## ")[0]
    table: dict[str, list[str]] = {}
    for names, stages in re.findall(r"^\| (`.+) \| (.+) \|$", section, flags=re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", names):
            assert name not in table, f"{name} is in the tables twice"
            table[name] = [] if stages == "none" else stages.split(", ")
    return table


TABLE = read_tables()
CODE = sorted({dep for dep in TABLE if (ROOT / dep).exists()})
PACKAGES = sorted(TABLE.keys() - KEYS - set(CODE))


def list_changed(clone: Clone, contents: dict[str, tuple[str, str]]) -> dict[str, list[str]]:
    """For each label of a file and its new content, list the changed stages in the order of the pipeline."""
    process = clone.run("python", "-c", LIST_CHANGED, json.dumps(contents))
    return {label: sorted(names, key=STAGES.index) for label, names in json.loads(process.stdout).items()}


def test_tables_have_every_key_and_every_code_dependency() -> None:
    deps = {dep for stage in PIPELINE.values() for dep in stage["deps"]}
    code = {dep for dep in deps if (ROOT / dep).exists() and not dep.startswith(("data", "models"))}
    assert set(KEYS) <= TABLE.keys()
    assert set(CODE) == code


def test_key_changes_its_stages(digits: Clone) -> None:
    """The stages after them rerun because their inputs change: the tests below run them."""
    values = OF_NORMALIZE | OF_TRAIN | OTHERS
    assert sorted(values) == KEYS
    text = (digits.folder / "params.yaml").read_text()
    contents = {key: ("params.yaml", set_key(text, key, value)) for key, value in values.items()}
    changed = list_changed(digits, contents)
    readers = {key: [name for name in STAGES if key in PIPELINE[name].get("params", [])] for key in KEYS}
    assert changed == {key: ["validate", *readers[key]] for key in KEYS}
    assert {key: [name for name in TABLE[key] if name in changed[key]] for key in KEYS} == changed


def set_key(text: str, key: str, value: object) -> str:
    pattern = rf"^{key}:\n(?:- .*\n)+" if key == "hidden_sizes" else rf"^{key}: .*"
    changed, count = re.subn(pattern, f"{key}: {json.dumps(value)}", text, flags=re.MULTILINE)
    assert count == 1
    return changed


def test_comment_changes_stages_that_depend_on_the_file(digits: Clone) -> None:
    files = {dep: next(iter(sorted((ROOT / dep).glob("*.py"))), ROOT / dep).relative_to(ROOT) for dep in CODE}
    contents = {dep: (str(file), (ROOT / file).read_text() + "# A comment.\n") for dep, file in files.items()}
    contents["params.yaml"] = ("params.yaml", (digits.folder / "params.yaml").read_text() + "# A comment.\n")
    assert list_changed(digits, contents) == {dep: TABLE[dep] for dep in CODE}


def test_upgrade_changes_stages_that_list_the_package(digits: Clone) -> None:
    text = (ROOT / "versions.yaml").read_text()
    contents = {package: ("versions.yaml", text.replace(f'{package}: "', f'{package}: "9')) for package in VERSIONS}
    changed = list_changed(digits, contents)
    assert changed["torch"] == ["validate", "train"]
    assert {package: changed.get(package, []) for package in PACKAGES} == {
        package: TABLE[package] for package in PACKAGES
    }


@pytest.mark.parametrize("changes", [OF_NORMALIZE, OF_TRAIN], ids=["normalize", "train"])
def test_dvc_repro_runs_the_stages_of_the_table(digits: Clone, changes: dict[str, object]) -> None:
    digits.set_parameters(**changes)
    run = list_stages_run(digits.run("dvc", "repro"))
    assert dict.fromkeys(changes, run) == {key: TABLE[key] for key in changes}


def test_native_numerics_rerun_later_stages_if_the_bits_differ(digits: Clone) -> None:
    """On a processor without AVX-512 the native kernels can be the portable ones."""
    model = digits.folder / "models/mlp.safetensors"
    before = model.read_bytes()
    digits.set_parameters(numerics="native")
    run = list_stages_run(digits.run("dvc", "repro"))
    is_same = model.read_bytes() == before
    assert run == [stage for stage in TABLE["numerics"] if not (is_same and stage in ("evaluate", "export"))]


def test_stages_after_a_comment_do_not_rerun(digits: Clone) -> None:
    file = next(iter(sorted((digits.folder / "stages/train").glob("*.py"))))
    file.write_text(file.read_text() + "# A comment.\n")
    assert list_stages_run(digits.run("dvc", "repro")) == TABLE["stages/train"]
    assert digits.run("git", "status", "--porcelain", "metrics").stdout == ""
