"""dvc.yaml against the code: the deps are what a stage imports and reads, the params what it computes with."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from docs.tables import list_code, list_outs, list_params
from tests.clone import ROOT, Clone, list_stages_run
from tests.imports import find_closure, list_distributions

PIPELINE: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")
STAGES: dict[str, dict[str, Any]] = PIPELINE["stages"]
CODE = list_code(STAGES)
# Stages that are modules of stages/; others may be any command.
MODULES = [name for name, stage in STAGES.items() if f"python -m stages.{name}" in stage["cmd"]]
PARAMETERS = Path("stages/shared/parameters.py")

# Packages that a stage imports and that cannot change its outputs.
NO_INFLUENCE = {
    "onnxruntime": "compares the exported model with PyTorch",
    "pydantic": "validates parameters, whose values DVC compares itself",
    "requests": "downloads files, whose hashes are verified",
    "ruamel.yaml": "reads parameters, whose values DVC compares itself",
    "ruamel.yaml.clib": "in the same namespace, but the stages parse in Python",
    "tqdm": "progress bars",
}
NO_INFLUENCE_ON = {"download": {"torch"}}  # torchvision imports it


def find_code(stage: str) -> set[Path]:
    """List the modules that can change the outputs of a stage: parameters.py only rejects values."""
    without = () if STAGES[stage]["deps"].count("params.yaml") else (PARAMETERS,)
    return find_closure(Path("stages", f"{stage}.py"), without)


@pytest.mark.parametrize("stage", MODULES)
def test_code_deps_are_the_import_closure(stage: str) -> None:
    listed = {Path(dep) for dep in STAGES[stage]["deps"] if dep.endswith(".py")}
    assert listed == find_code(stage)


def test_other_deps_exist() -> None:
    for dep in CODE:
        assert (ROOT / dep).exists(), dep


@pytest.mark.parametrize("stage", MODULES)
def test_versions_are_those_of_imported_packages(stage: str) -> None:
    imported = list_distributions(find_code(stage))
    expected = imported - NO_INFLUENCE.keys() - NO_INFLUENCE_ON.get(stage, set())
    if stage == "validate":  # its versions are compared before the outputs of the others are removed
        expected |= {package for other in STAGES.values() for package in list_params(other, "versions.yaml")}
    assert sorted(list_params(STAGES[stage], "versions.yaml")) == sorted(expected)


def test_versions_yaml_has_the_pins() -> None:
    """As `make lock` writes it."""
    versions = YAML(typ="safe").load(ROOT / "versions.yaml")
    assert set(versions) == {package for stage in STAGES.values() for package in list_params(stage, "versions.yaml")}
    locked = (ROOT / "requirements.lock").read_text().splitlines()
    assert {f"{name.replace('.', '-')}=={version}" for name, version in versions.items()} <= set(locked)


@pytest.mark.parametrize("stage", MODULES)
def test_docstring_names_deps_and_outs(stage: str) -> None:
    docstring = (ROOT / f"stages/{stage}.py").read_text().split('"""')[1]
    if "; writes " not in docstring:
        return
    data = [dep for dep in STAGES[stage]["deps"] if dep not in CODE and dep != "data/parameters.valid"]
    for path in [*data, *list_outs(STAGES[stage])]:
        folder = str(Path(path).parent)
        assert path in docstring or ("/" in folder and folder in docstring), path


def test_artifacts_are_outputs() -> None:
    outs = {out for stage in STAGES.values() for out in list_outs(stage)}
    assert {artifact["path"] for artifact in PIPELINE["artifacts"].values()} <= outs


def test_nothing_to_do_after_a_run(light: Clone) -> None:
    run = light.make("run")
    assert list_stages_run(run.stdout) == []
    assert "No MNIST mirror" not in run.stdout
    assert light.run("git", "status", "--porcelain").stdout == ""
    data = light.folder / "data/normalized/test.safetensors"
    assert data.stat().st_nlink > 1 or "reflink" in light.run("dvc", "doctor").stdout, "a copy of what is in the cache"


def test_clone_with_autocrlf_is_up_to_date(light: Clone, tmp_path: Path) -> None:
    other = Clone(tmp_path / "crlf")
    light.run("git", "clone", "--quiet", "--config", "core.autocrlf=true", str(light.folder), str(other.folder))
    other.run("dvc", "remote", "add", "--local", "--default", "first", str(light.folder / ".dvc/cache"))
    other.run("dvc", "cache", "dir", "--local", str(light.folder / ".dvc/cache"))
    other.run("dvc", "checkout")
    assert "up to date" in other.run("dvc", "status").stdout
