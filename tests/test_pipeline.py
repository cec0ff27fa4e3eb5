"""Guards dvc.yaml: its deps are what the stages import and read, its params what their classes hold."""

import ast
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stages.shared.parameters import StageParameters
from tests.conftest import MNIST_MIRROR, ROOT, Clone, needs_mnist, stages_run

PIPELINE: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")
STAGES: dict[str, dict[str, Any]] = PIPELINE["stages"]
ALL_STAGES = ["validate", "download", "normalize", "train", "evaluate"]


def find_module(name: str) -> list[Path]:
    """Find the files that importing a module of this project runs."""
    path = ROOT / name.replace(".", "/")
    candidates = [path.with_suffix(".py"), path / "__init__.py"]
    return [candidate.relative_to(ROOT) for candidate in candidates if candidate.exists()]


def imports_of(path: Path) -> set[Path]:
    """List the project's modules that a module names in an import, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    parents = {".".join(name.split(".")[:depth]) for name in names for depth in range(1, 1 + name.count(".") + 1)}
    return {file for name in parents if name.startswith("stages") for file in find_module(name)}


def import_closure(path: Path) -> set[Path]:
    closure: set[Path] = set()
    pending = {path}
    while pending:
        closure |= pending
        pending = {imported for file in pending for imported in imports_of(file)} - closure
    return closure


def entry_module(stage: str) -> Path:
    single = Path(f"stages/{stage}.py")
    return single if (ROOT / single).exists() else Path(f"stages/{stage}/__main__.py")


@pytest.mark.parametrize("stage", STAGES)
def test_code_deps_are_the_import_closure(stage: str) -> None:
    listed = {Path(dep) for dep in STAGES[stage]["deps"] if dep.startswith("stages/")}
    assert listed == import_closure(entry_module(stage))


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_the_fields_of_the_stages_class(stage: str) -> None:
    name = ".".join(entry_module(stage).with_suffix("").parts)
    kind: type[StageParameters] | None = getattr(importlib.import_module(name), "Parameters", None)
    assert STAGES[stage].get("params", []) == sorted(kind.model_fields if kind else [])


def test_every_key_of_params_yaml_belongs_to_a_stage() -> None:
    keys = set(YAML(typ="safe").load(ROOT / "params.yaml"))
    assert keys == {key for stage in STAGES.values() for key in stage.get("params", [])}


def test_params_yaml_is_flat_and_every_key_has_a_comment() -> None:
    lines = (ROOT / "params.yaml").read_text().splitlines()
    keys = [number for number, line in enumerate(lines) if line[:1].isalpha()]
    assert keys
    for number in keys:
        assert lines[number - 1].startswith("# ") or lines[number - 1][:1].isalpha()


@pytest.mark.parametrize("stage", STAGES)
def test_stage_has_a_description_and_runs_its_module(stage: str) -> None:
    assert STAGES[stage]["desc"]
    assert STAGES[stage]["cmd"] == f"exec python -m stages.{stage}"


def test_deps_are_single_files_or_outputs() -> None:
    outputs = {
        name for stage in STAGES.values() for out in stage["outs"] for name in ([out] if isinstance(out, str) else out)
    }
    for stage in STAGES.values():
        for dep in stage["deps"]:
            assert dep in outputs or (ROOT / dep).is_file()


def test_stages_do_not_import_stages_and_shared_modules_have_two_users() -> None:
    users: dict[Path, set[str]] = {path.relative_to(ROOT): set() for path in (ROOT / "stages/shared").glob("*.py")}
    for stage in STAGES:
        for path in import_closure(entry_module(stage)):
            if path in users:
                users[path].add(stage)
            elif stage != "validate" or path.name != "parameters.py":
                assert path.parts[1].removesuffix(".py") == stage, f"{stage} imports {path}"
    assert [path for path, stages in users.items() if len(stages) < 2] == []


def test_the_model_is_an_artifact() -> None:
    assert PIPELINE["artifacts"]["mlp"]["path"] in STAGES["train"]["outs"]


def test_after_a_run_there_is_nothing_to_do(digits: Clone) -> None:
    assert "up to date" in digits.run("dvc", "status").stdout
    assert stages_run(digits.run("dvc", "repro")) == []
    assert digits.run("git", "status", "--porcelain").stdout == ""
    assert sorted(path.name for path in (digits.folder / "data/raw").iterdir()) == [
        *("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    ]


def test_without_mnist_the_digits_are_learned_and_nothing_runs_twice(clone: Clone) -> None:
    clone.environment |= {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # no network
    (clone.folder / "CONTRIBUTING.md").write_text("An edit that is not committed.\n")  # and no identity for Git
    run = clone.run("make", "--assume-old=requirements.lock", "run")
    assert "MNIST cannot be had, no mirror answers" in run.stdout
    assert run.stderr == "" or "error: " not in run.stderr
    assert stages_run(run) == ALL_STAGES
    assert json.loads((clone.folder / "metrics/metrics.json").read_text())["accuracy"] >= 0.95
    again = clone.run("make", "--assume-old=requirements.lock", "run")
    assert stages_run(again) == []
    assert "cannot be had" not in again.stdout


def test_make_run_does_not_hide_a_mistake_behind_the_digits(clone: Clone) -> None:
    clone.set_parameters(dataset="mnits")
    run = clone.run("make", "--assume-old=requirements.lock", "run", check=False)
    assert run.returncode != 0
    assert "error: params.yaml: dataset: 'mnits' is not allowed" in run.stderr
    assert "dataset: mnits" in (clone.folder / "params.yaml").read_text()


@needs_mnist
@pytest.mark.parametrize("threads", ["1", "2"])
def test_real_mnist_gives_the_committed_lock(clone: Clone, threads: str) -> None:
    clone.environment["OMP_WAIT_POLICY"] = "PASSIVE"  # threads that wait must not take the core of another test
    run = clone.run("make", "--assume-old=requirements.lock", "run", MNIST_MIRROR=MNIST_MIRROR, OMP_NUM_THREADS=threads)
    assert stages_run(run) == ALL_STAGES
    assert "Setting up" not in run.stdout
    assert "| accuracy" in run.stdout
    assert "up to date" in clone.run("dvc", "status").stdout
    assert clone.run("git", "status", "--porcelain").stdout == ""
    again = clone.run("make", "--assume-old=requirements.lock", "run", MNIST_MIRROR=MNIST_MIRROR)
    assert stages_run(again) == []
