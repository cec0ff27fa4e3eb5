"""Check with real dvc that each key and each file reruns the stages that the README's table names."""

import re

import pytest
from ruamel.yaml import YAML

from tests.conftest import MNIST_MIRROR, ROOT, Clone, needs_mnist, stages_run

# A value for each key that makes a difference to the digits; made one after the other, in several series.
CHANGES: list[dict[str, object]] = [
    {"epochs": 4, "patience": 1, "batch_size": 50, "loss": "mse"},
    {"mean": 0.25, "seed": 1, "validation_size": 140, "std": 0.25},
    {"augment": "affine", "hidden_sizes": [24], "lr": 0.02, "momentum": 0.5},
    {"schedule": "one_cycle", "weight_decay": 0.01, "optimizer": "rmsprop"},
]


def read_table() -> dict[str, list[str]]:
    """Read the README's table: for each key of params.yaml and each file of stages/, the stages that rerun."""
    section = (ROOT / "README.md").read_text().partition("## What reruns when")[2].partition("\n## ")[0]
    table: dict[str, list[str]] = {}
    for names, stages in re.findall(r"^\| (`.+`) \| (.+) \|$", section, flags=re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", names):
            assert name not in table, f"{name} stands in the table twice"
            table[name] = stages.split(", ")
    return table


TABLE = read_table()
KEYS = sorted(YAML(typ="safe").load(ROOT / "params.yaml"))
PARTS = 4  # for as many processes
FILES = ["params.yaml", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "stages").rglob("*.py"))]


def test_the_table_has_every_key_and_every_file() -> None:
    assert sorted(TABLE) == sorted(KEYS + FILES)


@pytest.mark.parametrize("changes", CHANGES, ids="-".join)
def test_each_key_reruns_what_the_table_says(digits: Clone, changes: dict[str, object]) -> None:
    ran = {}
    for key, value in changes.items():
        digits.set_parameters(**{key: value})
        ran[key] = stages_run(digits.run("dvc", "repro"))
    assert ran == {key: TABLE[key] for key in changes}


def test_numerics_rerun_what_the_table_says_where_they_give_other_bits(digits: Clone) -> None:
    """Without AVX-512 a processor may have no better kernels than the portable ones."""
    model = digits.folder / "models/mlp.safetensors"
    before = model.read_bytes()
    digits.set_parameters(numerics="native")
    ran = stages_run(digits.run("dvc", "repro"))
    is_same = model.read_bytes() == before
    assert ran == [stage for stage in TABLE["numerics"] if not (is_same and stage == "evaluate")]


def test_every_key_is_changed() -> None:
    assert sorted(["dataset", "numerics", *(key for changes in CHANGES for key in changes)]) == KEYS


@needs_mnist
def test_the_data_set_reruns_everything(digits: Clone) -> None:
    digits.set_parameters(dataset="mnist")
    assert stages_run(digits.run("dvc", "repro", MNIST_MIRROR=MNIST_MIRROR)) == TABLE["dataset"]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_comment_in_a_file_reruns_what_imports_it_and_stops_there(digits: Clone, part: int) -> None:
    ran = {}
    for name in FILES[part::PARTS]:
        with (digits.folder / name).open("a") as file:
            file.write("# A comment changes no output.\n")
        ran[name] = stages_run(digits.run("dvc", "repro"))
    assert ran == {name: TABLE[name] for name in FILES[part::PARTS]}
    assert digits.run("git", "status", "--porcelain", "metrics").stdout == ""
