import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clone import ROOT
from tests.stages.conftest import FailStage, RunStage


def run(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_help_names_inputs_and_outputs(run_stage: RunStage, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run_stage("normalize", "--help")
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: python -m stages.normalize [-h]")
    assert "\nReads " in text
    assert "; writes " in text.replace("\n", " ")


def test_needs_no_dvc_and_imports_no_module_of_the_same_name(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder without an __init__.py would give way to a module on PYTHONPATH."""
    (tmp_path / "foreign").mkdir()
    for name in ("stages", "dvc", "dvc_guard"):
        (tmp_path / f"foreign/{name}.py").write_text("raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "foreign"))
    process = run("-m", "stages.validate", folder=project)
    assert (process.returncode, process.stderr) == (0, "")
    assert (project / "data/parameters.valid").exists()


@pytest.mark.parametrize("indent", ["", "    "], ids=["module", "function"])
def test_rejects_a_module_that_is_no_dependency(project: Path, indent: str) -> None:
    (project / "stages").unlink()
    shutil.copytree(ROOT / "stages", project / "stages")
    (project / "stages/shared/extra.py").write_text("W = 0.5\n")
    with (project / "stages/shared/idx.py").open("a") as file:
        file.write(f"{'def use():' if indent else ''}\n{indent}from stages.shared import extra\n")
    process = run("-m", "stages.normalize", folder=project)
    where = "dvc.yaml: stages: normalize: deps: stages/shared/extra.py"
    assert (process.returncode, process.stderr) == (
        1,
        f"error: {where}: missing; DVC would not run the stage again for it\n",
    )


def replace(old: str, new: str) -> Callable[[], None]:
    def edit() -> None:
        text = Path("dvc.yaml").read_text()
        assert old in text
        Path("dvc.yaml").write_text(text.replace(old, new))

    return edit


MISSING = "dvc.yaml: stages: normalize: params: seed: missing; DVC would not run the stage again for it"
UNKNOWN = "dvc.yaml: stages: normalize: params: sead: not allowed; NormalizeParameters does not have it"


@pytest.mark.parametrize("stage", ["normalize", "validate"])  # validate sees it before outputs of others are removed
@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (replace("mean, seed, std, ", "mean, std, "), MISSING),
        (replace("mean, seed, std, ", "mean, sead, seed, std, "), UNKNOWN),
        (replace("  normalize:", "  normalise:"), "dvc.yaml: stages: normalize: missing"),
    ],
    ids=["missing", "unknown", "stage"],
)
@pytest.mark.usefixtures("project")
def test_rejects_params_of_dvc_yaml_that_differ(
    fail_stage: FailStage, stage: str, edit: Callable[[], None], message: str
) -> None:
    edit()
    assert fail_stage(stage) == message


@pytest.mark.parametrize("name", ["params.yaml", "dvc.yaml"])
def test_rejects_missing_file(fail_stage: FailStage, project: Path, name: str) -> None:
    (project / name).unlink()
    assert fail_stage("normalize") == f"{name}: no such file; run from the folder that contains it"


def test_names_missing_input(fail_stage: FailStage) -> None:
    assert fail_stage("normalize").endswith("-ubyte: no such file; run dvc repro, which creates what is missing")
