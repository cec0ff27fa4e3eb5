"""What docs/adapt.md shows: each diff in a copy, and own pictures. All stages run, and the exported model is used."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageDraw
from ruamel.yaml import YAML
from safetensors.torch import load_file

from docs.changes import list_changes, toggle
from docs.tables import list_outs
from predict.__main__ import main as predict
from predict.model import Model
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
CLASSES = ["a b", "ellipse", "rectangle"]
PICTURES: dict[str, dict[str, object]] = {
    "gray": {"dataset": "folder"},
    "color": {"dataset": "folder", "image_size": 32, "channels": 3, "augment": "elastic"},
}


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one for each diff, for pictures, and for the code as it is, in which the stages have run."""

    def build(parent: Path) -> None:
        diffs = list_changes()
        folders = [parent / name for name in (UNCHANGED, *PICTURES, *diffs)]
        for folder in folders:
            folder.mkdir()
            prepare_project(folder)
            (folder / "stages").unlink()
            shutil.copytree(ROOT / "stages", folder / "stages")
            if folder.name in diffs:
                toggle(diffs[folder.name], folder)
            if folder.name in PICTURES:
                draw_pictures(folder / "data/images", in_color=folder.name == "color")
            changes = SMALL | CHOICES.get(folder.name, {}) | PICTURES.get(folder.name, {})
            update_parameters(folder / "params.yaml", changes)
        subprocess.run([sys.executable, ROOT / "tests/run_in_folders.py", *folders], cwd=ROOT, check=True)

    return build_once(tmp_path_factory, "adapted", build)


@pytest.fixture
def tab(request: pytest.FixtureRequest) -> chromium.Tab | None:
    """Return the tab of a browser, or None if there is none: the rest is tested without it."""
    return request.getfixturevalue("browser") if chromium.BROWSER else None


def draw_pictures(folder: Path, *, in_color: bool) -> None:
    """Draw light shapes on black, 28 x 28 in gray with an empty border, or of many sizes in color."""
    generator = np.random.default_rng(0)
    for number in range(400):
        name = CLASSES[number % len(CLASSES)]
        width, height = generator.integers(20, 60, 2).tolist() if in_color else (28, 28)
        picture = Image.new("RGB" if in_color else "L", (width, height))
        color = tuple(generator.integers(100, 256, 3).tolist()) if in_color else 255
        draw, box = ImageDraw.Draw(picture), (4, 4, width - 5, height - 5)
        match name:
            case "ellipse":
                draw.ellipse(box, fill=color)
            case "rectangle":
                draw.rectangle(box, fill=color)
            case _:
                draw.line(box, fill=color, width=3)
        path = folder / ("train", "test")[number % 5 == 4] / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)


def find_complete_run(runs: Path, name: str) -> Path:
    folder = runs / name
    assert (folder / "complete").exists(), (folder / "errors.txt").read_text()
    return folder


def read_outs(folder: Path) -> dict[str, bytes]:
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
    tab: chromium.Tab | None,
) -> None:
    folder = find_complete_run(runs, name)
    assert read_outs(folder) != read_outs(runs / UNCHANGED)
    logits = load_file(folder / "logits.safetensors")["logits"]
    images, _ = read_images_and_labels(folder / "data/raw", TEST)
    model = (folder / "models/mlp.onnx").read_bytes()
    torch.testing.assert_close(torch.from_numpy(run_model(model, images).logits), logits, rtol=1e-5, atol=1e-5)
    monkeypatch.chdir(folder)
    Image.fromarray(images[0]).save("first.png")
    assert predict(["--as-is", "first.png"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["first.png", str(int(logits[0].argmax()))]
    if tab:
        tab.open(folder / "models/draw.html")
        check_page(tab, folder)


def read_probabilities(folder: Path) -> torch.Tensor:
    """Compute the probabilities of the test images from the logits of PyTorch and the temperature of the model."""
    temperature = Model((folder / "models/mlp.onnx").read_bytes()).metadata.temperature
    return (load_file(folder / "logits.safetensors")["logits"] / temperature).softmax(dim=1)


def check_page(tab: chromium.Tab, folder: Path) -> None:
    """Compare the probabilities of the open page with those of PyTorch."""
    images, _ = read_images_and_labels(folder / "data/raw", TEST)
    probabilities = torch.from_numpy(replay.predict(tab, images[:50]))
    torch.testing.assert_close(probabilities.float(), read_probabilities(folder)[:50], rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_own_pictures_run_through_all_stages(
    name: str,
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tab: chromium.Tab | None,
) -> None:
    folder = find_complete_run(runs, name)
    monkeypatch.chdir(folder)
    assert pd.read_csv("metrics/classes.csv")["class"].tolist() == CLASSES
    assert set(pd.read_csv("metrics/predictions.csv")["actual"]) == set(CLASSES)
    model = Model(Path("models/mlp.onnx").read_bytes())
    is_gray = name == "gray"
    assert model.metadata.classes == CLASSES
    assert model.metadata.mode == ("L" if is_gray else "RGB")
    with Image.open("metrics/misclassified.png") as picture:
        assert picture.mode == ("L" if is_gray else "RGB")
    assert predict(["--json", "data/images/test"]) == 0
    predicted = [json.loads(line)["probability"] for line in capsys.readouterr().out.splitlines()]
    expected = read_probabilities(folder).amax(dim=1)
    torch.testing.assert_close(torch.tensor(predicted), expected, rtol=0, atol=1e-4)  # pictures are prepared alike
    if tab:
        tab.open(folder / "models/draw.html")
        if is_gray:
            assert tab.evaluate("model.classes") == CLASSES
            check_page(tab, folder)
        else:
            assert "in color" in tab.evaluate("document.body.innerText")


def test_changed_code_passes_the_linter(tmp_path: Path) -> None:
    for name, diff in list_changes().items():
        for package in ("stages", "predict"):  # both are of the project, for the order of imports
            shutil.copytree(ROOT / package, tmp_path / name / package)
        for file in ("pyproject.toml", "dvc.yaml", "params.yaml"):
            shutil.copy(ROOT / file, tmp_path / name)
        toggle(diff, tmp_path / name)
    for command in ("check", "format --check"):
        process = subprocess.run(
            ["ruff", *command.split(), "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert process.returncode == 0, process.stdout
