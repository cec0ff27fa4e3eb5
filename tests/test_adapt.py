"""Each diff of docs/adapt.md, in a copy: all stages run, what they compute changes, and the model is exported."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from ruamel.yaml import YAML
from safetensors.torch import load_file

from docs.changes import list_changes, toggle
from docs.tables import list_outs
from predict.__main__ import main as predict
from stages.shared.idx import TEST, read_images_and_labels
from tests import chromium
from tests.clone import ROOT, update_parameters
from tests.conftest import build_once
from tests.stages.conftest import prepare_project
from tests.stages.draw import replay
from tests.stages.networks import run_model

SMALL = {"dataset": "digits", "validation_size": 150, "epochs": 1, "hidden_sizes": [16]}
# Values of params.yaml that choose what a diff adds.
CHOICES: dict[str, dict[str, object]] = {"optimizer": {"optimizer": "nadam", "lr": 0.001}, "loss": {"loss": "huber"}}
UNCHANGED = "unchanged"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one for each diff, and one for the code as it is, in which the stages have run."""

    def build(parent: Path) -> None:
        folders = [parent / name for name in (UNCHANGED, *list_changes())]
        for folder in folders:
            folder.mkdir()
            prepare_project(folder)
            (folder / "stages").unlink()
            shutil.copytree(ROOT / "stages", folder / "stages")
            if folder.name in list_changes():
                toggle(list_changes()[folder.name], folder)
            update_parameters(folder / "params.yaml", SMALL | CHOICES.get(folder.name, {}))
        subprocess.run([sys.executable, ROOT / "tests/run_in_folders.py", *folders], cwd=ROOT, check=True)

    return build_once(tmp_path_factory, "adapted", build)


def read_outs(folder: Path) -> dict[str, bytes]:
    """Read the outputs of all stages that are files."""
    stages = YAML(typ="safe").load(folder / "dvc.yaml")["stages"].values()
    paths = [path for stage in stages for path in list_outs(stage)]
    return {path: (folder / path).read_bytes() for path in paths if (folder / path).is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("name", list_changes())
def test_change_runs_through_all_stages(
    name: str,
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    folder = runs / name
    assert (folder / "complete").exists(), (folder / "errors.txt").read_text()
    assert read_outs(folder) != read_outs(runs / UNCHANGED)
    logits = load_file(folder / "logits.safetensors")["logits"]
    images, _ = read_images_and_labels(folder / "data/raw", TEST)
    model = (folder / "models/mlp.onnx").read_bytes()
    torch.testing.assert_close(torch.from_numpy(run_model(model, images).logits), logits, rtol=1e-5, atol=1e-5)
    monkeypatch.chdir(folder)
    Image.fromarray(images[0]).save("first.png")
    assert predict(["--as-is", "first.png"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["first.png", str(int(logits[0].argmax()))]
    if chromium.BROWSER:
        tab: chromium.Tab = request.getfixturevalue("browser")
        tab.open(folder / "models/draw.html")
        probabilities = torch.from_numpy(replay.predict(tab, images))
        torch.testing.assert_close(probabilities.float(), logits.softmax(dim=1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", list_changes())
def test_changed_code_passes_the_linter(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "stages", tmp_path / "stages")
    for file in ("pyproject.toml", "dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / file, tmp_path)
    toggle(list_changes()[name], tmp_path)
    for command in ("check", "format --check"):
        process = subprocess.run(
            ["ruff", *command.split(), "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert process.returncode == 0, process.stdout
