import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from stages.export import ONNX_MODEL, PAGE
from stages.shared import network, splits
from stages.shared.calibration import fit_temperature
from stages.shared.network import MODEL, build_network, load_network, predict, save_network
from stages.shared.onnx_model import build_model
from stages.shared.page import build_page
from tests.stages.conftest import DATASET, FailStage, RunStage, make_parameters, make_split
from tests.stages.networks import build_mlp

UNUSED_IMPORTS = {"dvc", "dvclive", "pandas", "scipy", "sklearn"}
RUN = """
import runpy, sys
sys.argv = ["export"]
runpy.run_module("stages.export", run_name="__main__", alter_sys=True)
print(*sys.modules)
"""


@pytest.fixture(autouse=True)
def model(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write an untrained network of the tests' own and a validation set, and export such."""
    monkeypatch.setattr(network, "build_network", build_mlp)
    write_model(build_mlp)


def write_model(build: Callable[..., nn.Module]) -> None:
    """Write an untrained network of classes whose names are not ASCII, and a validation set."""
    dataset = DATASET.model_copy(update={"name": "kmnist", "classes": tuple("おきすつなはまやれを")})
    parameters = make_parameters(hidden_sizes=[16])
    save_network(MODEL, build(dataset, parameters), dataset, parameters)
    validation = make_split(40)
    splits.write_split(splits.VALIDATION, validation.images.numpy(), validation.labels.numpy(), dataset)


def test_writes_the_model_and_its_page(run_stage: RunStage, capsys: pytest.CaptureFixture[str]) -> None:
    run_stage("export")
    loaded, dataset = load_network(MODEL)
    validation = splits.read_split(splits.VALIDATION)
    temperature = fit_temperature(predict(loaded, validation.images), validation.labels)
    model = build_model(loaded, dataset, temperature)
    assert ONNX_MODEL.read_bytes() == model.SerializeToString(deterministic=True)
    assert PAGE.read_text(encoding="utf-8") == build_page(model)
    expected = "models/mlp.onnx, models/draw.html: kmnist; Flatten, Linear 16, ReLU, Linear 10"
    assert capsys.readouterr().out == f"{expected}; temperature {temperature}\n"


def test_process_imports_little(run_stage: RunStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "build_network", build_network)  # as in the other process
    write_model(build_network)
    run_stage("export")
    written = [path.read_bytes() for path in (ONNX_MODEL, PAGE)]
    process = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True)
    assert not UNUSED_IMPORTS & set(process.stdout.split())
    assert [path.read_bytes() for path in (ONNX_MODEL, PAGE)] == written


def test_rejects_network_trained_on_other_data(fail_stage: FailStage) -> None:
    parameters = make_parameters(hidden_sizes=[16])
    save_network(MODEL, build_mlp(DATASET, parameters), DATASET, parameters)
    assert fail_stage("export") == f"{MODEL}: trained on other data than {splits.VALIDATION}; run dvc repro"
    assert not ONNX_MODEL.exists()
    assert not PAGE.exists()
