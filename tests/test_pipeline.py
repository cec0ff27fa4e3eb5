"""dvc.yaml against the code: the deps are what a stage imports and reads, the params what it is given."""

import importlib
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pathspec import GitIgnoreSpec
from ruamel.yaml import YAML

from runtime.parameters import StageParameters
from runtime.pipeline import read_stage
from tests.clone import ROOT, Clone, list_stages_run
from tests.imports import find_closure, list_distributions

PIPELINE: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")
STAGES: dict[str, dict[str, Any]] = PIPELINE["stages"]
VERSIONS: dict[str, str] = YAML(typ="safe").load(ROOT / "versions.yaml")
IGNORED = GitIgnoreSpec.from_lines((ROOT / ".dvcignore").read_text().splitlines())
PARAMS_YAML, VERSIONS_YAML = Path("params.yaml"), Path("versions.yaml")

# Packages that a stage imports and that cannot change its outputs.
NO_INFLUENCE = {
    "dvc": "locks of the guard process",
    "pathspec": "which files to watch",
    "psutil": "the process of the stage",
    "pydantic": "validates parameters, whose values DVC compares itself",
    "ruamel.yaml": "reads parameters, whose values DVC compares itself",
    "ruamel.yaml.clib": "in the same namespace, but the stages parse in Python",
    "tqdm": "progress bars",
}
NO_INFLUENCE_ON = {"download": {"torch"}}  # torchvision imports it


def entry(stage: str) -> Path:
    return Path("stages", stage, "__main__.py")


def list_code(dep: str) -> set[Path]:
    """List the modules that a dependency stands for, by the rules of .dvcignore."""
    paths = (ROOT / dep).rglob("*.py") if (ROOT / dep).is_dir() else [ROOT / dep]
    relative = (path.relative_to(ROOT) for path in paths if path.suffix == ".py")
    return {path for path in relative if not IGNORED.match_file(path)}


def list_outs(stage: dict[str, Any]) -> list[str]:
    outs = [out for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
    return [out if isinstance(out, str) else next(iter(out)) for out in outs]


@pytest.mark.parametrize("stage", STAGES)
def test_code_deps_are_the_import_closure(stage: str) -> None:
    listed = set().union(*(list_code(dep) for dep in STAGES[stage]["deps"]))
    assert listed == find_closure(entry(stage))


def test_other_deps_are_outputs_or_params_yaml() -> None:
    outs = [out for stage in STAGES.values() for out in list_outs(stage)]
    for stage in STAGES.values():
        for dep in stage["deps"]:
            assert list_code(dep) or dep == "params.yaml" or any(Path(out).is_relative_to(dep) for out in outs), dep


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_the_fields_of_the_parameters(stage: str) -> None:
    keys = read_stage_of_root(stage).get(PARAMS_YAML, [])
    if not (ROOT / "stages" / stage / "parameters.py").exists():
        assert keys == []
        return
    kind: type[StageParameters] = importlib.import_module(f"stages.{stage}.parameters").Parameters
    if stage == "validate":  # it depends on the whole file, for keys of no stage
        assert keys == []
        assert set(kind.model_fields) == set(YAML(typ="safe").load(ROOT / "params.yaml"))
    else:
        assert keys == sorted(kind.model_fields)


def read_stage_of_root(stage: str) -> dict[Path, list[str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return read_stage(stage).params


@pytest.mark.parametrize("stage", STAGES)
def test_versions_are_those_of_imported_packages(stage: str) -> None:
    imported = list_distributions(find_closure(entry(stage)))
    expected = imported - NO_INFLUENCE.keys() - NO_INFLUENCE_ON.get(stage, set())
    if stage == "validate":  # it checks the versions for all stages, before their outputs are removed
        expected |= {package for other in STAGES for package in read_stage_of_root(other).get(VERSIONS_YAML, [])}
    assert read_stage_of_root(stage).get(VERSIONS_YAML, []) == sorted(expected)


def test_versions_yaml_has_the_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [f"{name}=={version}" for name, version in VERSIONS.items()] == project["dependencies"]
    locked = (ROOT / "requirements.lock").read_text().splitlines()
    assert {f"{name.replace('.', '-')}=={version}" for name, version in VERSIONS.items()} <= set(locked)


def test_make_lock_writes_versions_yaml(tmp_path: Path) -> None:
    recipe = subprocess.run(
        ["make", "-n", "--no-print-directory", "-o", ".venv/.installed", "lock"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    write = recipe[recipe.index("{ echo") :].replace(">versions.yaml", f">{tmp_path}/versions.yaml")
    subprocess.run(["sh", "-eu", "-c", write], cwd=ROOT, check=True)
    assert (tmp_path / "versions.yaml").read_text() == (ROOT / "versions.yaml").read_text()


def test_params_yaml_is_flat_and_every_key_has_a_comment() -> None:
    lines = (ROOT / "params.yaml").read_text().splitlines()
    keys = [number for number, line in enumerate(lines) if line[:1].isalpha()]
    assert len(keys) == len(YAML(typ="safe").load(ROOT / "params.yaml"))
    for number in keys:
        assert lines[number - 1].startswith("# ") or lines[number - 1][:1].isalpha()


@pytest.mark.parametrize("stage", STAGES)
def test_stage_has_a_description_and_runs_its_module(stage: str) -> None:
    assert STAGES[stage]["desc"]
    assert STAGES[stage]["cmd"] == f"exec env PYTHONSAFEPATH= python -m stages.{stage}"


@pytest.mark.parametrize("stage", STAGES)
def test_docstring_names_deps_and_outs(stage: str) -> None:
    docstring = (ROOT / entry(stage)).read_text().split('"""')[1]
    data = [dep for dep in STAGES[stage]["deps"] if not list_code(dep) and dep != "data/parameters.valid"]
    for path in [*data, *list_outs(STAGES[stage])]:
        folder = str(Path(path).parent)
        assert path in docstring or ("/" in folder and folder in docstring), path


def test_files_in_models_are_artifacts() -> None:
    outs = {out for stage in STAGES.values() for out in list_outs(stage) if Path(out).is_relative_to("models")}
    assert {artifact["path"] for artifact in PIPELINE["artifacts"].values()} == outs


def test_dvc_yaml_has_at_most_140_lines() -> None:
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 140


def test_nothing_to_do_after_a_run(digits: Clone) -> None:
    assert "up to date" in digits.run("dvc", "status").stdout
    assert list_stages_run(digits.run("dvc", "repro")) == []
    assert digits.run("git", "status", "--porcelain").stdout == ""
    assert sorted(path.name for path in (digits.folder / "data/raw").iterdir()) == [
        *("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    ]
