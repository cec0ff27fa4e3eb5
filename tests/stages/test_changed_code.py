"""Whoever changes the network, the loss or an optimizer as PyTorch users do, changes what all stages compute."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import load_file

from predict.model import Model
from stages.shared.idx import TEST, read_images_and_labels
from tests import chromium
from tests.clone import ROOT, update_parameters
from tests.conftest import build_once
from tests.stages.conftest import prepare_project
from tests.stages.draw import replay
from tests.stages.networks import run_model

STAGES = ("train", "evaluate", "export")
# In one process, because importing torch takes longer than a stage on the digits.
PROGRAM = """
import runpy, sys
stages, sys.argv = sys.argv[1:], sys.argv[:1]
for stage in stages:
    runpy.run_module(f"stages.{stage}", run_name="__main__")
"""
# Computes the logits of the test images by the changed code.
SAVE_LOGITS = """
from pathlib import Path
from safetensors.torch import save_file
from stages.shared.network import MODEL, load_network, predict
from stages.shared.splits import TEST, read_split
network, _ = load_network(MODEL)
save_file({"logits": predict(network, read_split(TEST).images)}, "logits.safetensors")
"""


class Change(NamedTuple):
    """The replacement of text in one line of a file, and the parameters to train with."""

    path: str
    old: str
    new: str
    parameters: Mapping[str, object] = MappingProxyType({})


NETWORK, OPTIMIZATION = "stages/shared/network.py", "stages/shared/optimization.py"
LAYERS = "[linear(inputs, outputs), nn.ReLU()]"
CNN = "nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), linear(4 * 13 * 13, 10))"
CHANGES = {
    "dropout": Change(NETWORK, LAYERS, "[linear(inputs, outputs), nn.ReLU(), nn.Dropout(0.5)]"),
    "GELU": Change(NETWORK, "nn.ReLU()]", "nn.GELU()]"),
    "batch norm": Change(NETWORK, LAYERS, "[linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]"),
    "CNN": Change(NETWORK, "nn.Sequential(*layers)", CNN),
    "label smoothing": Change(OPTIMIZATION, "CrossEntropyLoss()", "CrossEntropyLoss(label_smoothing=0.1)"),
    "Huber loss": Change(OPTIMIZATION, "nn.MSELoss()", "nn.HuberLoss()", {"loss": "mse"}),
    "NAdam": Change(OPTIMIZATION, "optim.SGD(weights, lr, momentum, ", "optim.NAdam(weights, lr, "),
}


@pytest.fixture(scope="session")
def normalized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the digits are normalized."""

    def build(folder: Path) -> None:
        prepare(folder)
        run(folder, "download", "normalize")

    return build_once(tmp_path_factory, "normalized digits", build)


def prepare(folder: Path, **parameters: object) -> None:
    folder.mkdir(exist_ok=True)
    prepare_project(folder)
    small = {"dataset": "digits", "validation_size": 150, "epochs": 2, "hidden_sizes": [16]}
    update_parameters(folder / "params.yaml", small | parameters)


def run(folder: Path, *stages: str, program: str = PROGRAM) -> None:
    process = subprocess.run(
        [sys.executable, "-c", program, *stages], cwd=folder, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr


def train(folder: Path, normalized: Path, change: Change) -> set[bytes]:
    """Run the stages from train on, with changed code, and return the matrices of the network."""
    prepare(folder, **change.parameters)
    (folder / "stages").unlink()
    shutil.copytree(ROOT / "stages", folder / "stages")
    shutil.copytree(normalized / "data", folder / "data", dirs_exist_ok=True)
    text = (folder / change.path).read_text()
    assert text.count(change.old) == 1, change.old
    (folder / change.path).write_text(text.replace(change.old, change.new))
    run(folder, *STAGES, program=PROGRAM + SAVE_LOGITS)
    tensors = load_file(folder / "models/mlp.safetensors").values()
    return {tensor.numpy().tobytes() for tensor in tensors if tensor.dim() > 1}


@pytest.fixture(scope="session")
def unchanged(normalized: Path, tmp_path_factory: pytest.TempPathFactory) -> set[bytes]:
    """Return the matrices of the code as it is, with both losses."""
    same = "nn.Flatten()]"
    losses = "cross_entropy", "mse"
    changes = [Change(NETWORK, same, same, {"loss": loss}) for loss in losses]
    matrices = [train(tmp_path_factory.mktemp("unchanged"), normalized, change) for change in changes]
    assert not matrices[0] & matrices[1]
    return matrices[0] | matrices[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_change_changes_what_is_trained_and_exported(
    name: str, normalized: Path, unchanged: set[bytes], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    changed = train(tmp_path, normalized, CHANGES[name])
    assert changed
    assert not changed & unchanged
    logits = load_file(tmp_path / "logits.safetensors")["logits"]
    images, _ = read_images_and_labels(tmp_path / "data/raw", TEST)
    model = (tmp_path / "models/mlp.onnx").read_bytes()
    torch.testing.assert_close(torch.from_numpy(run_model(model, images).logits), logits, rtol=1e-5, atol=1e-5)
    assert Model(model).predict(images).argmax(axis=1).tolist() == logits.argmax(dim=1).tolist()
    if chromium.BROWSER:
        tab: chromium.Tab = request.getfixturevalue("browser")
        tab.open(tmp_path / "models/draw.html")
        probabilities = torch.from_numpy(replay.predict(tab, images))
        torch.testing.assert_close(probabilities.float(), logits.softmax(dim=1), rtol=0, atol=1e-5)
