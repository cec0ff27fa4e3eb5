import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from stages.shared import idx, splits
from stages.shared.classifier import DATASETS
from stages.shared.network import save_network
from stages.shared.onnx_model import build_model
from stages.shared.page import build_page
from stages.shared.weights import MODEL
from tests.clone import Clone
from tests.conftest import needs_mnist
from tests.stages.conftest import FailStage, RunStage, SetParameters
from tests.stages.networks import load_network, make_classifier, make_network, run_model, run_network

ONNX_MODEL = Path("models/mlp.onnx")
PAGE = Path("models/draw.html")
SLOW_IMPORTS = {"dvc", "onnxruntime", "pandas", "scipy", "sklearn", "torch"}
RUN = """
import runpy, sys
sys.argv = ["export"]
runpy.run_module("stages.export", run_name="__main__", alter_sys=True)
print(*sys.modules)
"""


@pytest.fixture(autouse=True)
def model(project: Path) -> None:
    """Write an untrained network."""
    save_network(MODEL, make_network(16))


def test_writes_the_classifier_of_the_parameters(set_parameters: SetParameters, run_stage: RunStage) -> None:
    set_parameters(dataset="fashion_mnist", mean=0.25, std=2)
    run_stage("export")
    classifier = make_classifier(make_network(16), "fashion_mnist", mean=0.25, std=2.0)
    assert ONNX_MODEL.read_bytes() == build_model(classifier)
    assert PAGE.read_text(encoding="utf-8") == build_page(classifier)


def test_prints_what_it_wrote(run_stage: RunStage, capsys: pytest.CaptureFixture[str]) -> None:
    run_stage("export")
    assert capsys.readouterr().out == "models/mlp.onnx, models/draw.html: mnist, 784-16-10\n"


def test_process_imports_little_and_its_environment_does_not_matter(
    set_parameters: SetParameters, run_stage: RunStage
) -> None:
    """With class names that are not ASCII."""
    assert not DATASETS["kmnist"].classes[0].isascii()
    set_parameters(dataset="kmnist")
    run_stage("export")
    written = [path.read_bytes() for path in (ONNX_MODEL, PAGE)]
    for seed in ("1", "2"):
        ONNX_MODEL.unlink()
        PAGE.unlink()
        environment = {"PYTHONHASHSEED": seed, "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        process = subprocess.run(
            [sys.executable, "-c", RUN], env=os.environ | environment, capture_output=True, text=True, check=True
        )
        assert not SLOW_IMPORTS & set(process.stdout.split())
        assert [path.read_bytes() for path in (ONNX_MODEL, PAGE)] == written


NAN = np.full(10, np.nan, np.float32)
OF_ONE_LAYER = {"1.weight": np.zeros((10, 784), np.float32), "1.bias": np.zeros(10, np.float32)}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (OF_ONE_LAYER | {"1.bias": NAN}, "has weights that are NaN or infinite"),
        (
            OF_ONE_LAYER | {"1.weight": np.zeros((10, 783), np.float32)},
            "not float32 weights of a network from 784 to 10",
        ),
        ({"images": NAN}, "not float32 weights of a network from 784 to 10"),
    ],
    ids=["NaN", "shape", "names"],
)
def test_rejects_wrong_weights(fail_stage: FailStage, weights: dict[str, np.ndarray], message: str) -> None:
    save_file(weights, MODEL)
    assert fail_stage("export") == f"{MODEL}: {message}; remove it and run dvc repro"
    assert not ONNX_MODEL.exists()
    assert not PAGE.exists()


def test_rejects_damaged_file(fail_stage: FailStage) -> None:
    MODEL.write_bytes(MODEL.read_bytes()[:-1])
    assert fail_stage("export").startswith(f"{MODEL}: not a safetensors file (")
    assert not ONNX_MODEL.exists()


def test_rejects_missing_model(fail_stage: FailStage) -> None:
    MODEL.unlink()
    assert str(MODEL) in fail_stage("export")


@needs_mnist
def test_predictions_on_mnist_are_those_of_torch(mnist_run: Clone) -> None:
    folder = mnist_run.folder
    images, labels = idx.read_images_and_labels(folder / "data/raw", idx.TEST)
    assert len(images) == 10_000
    probabilities = run_model((folder / ONNX_MODEL).read_bytes(), images).probabilities
    expected = run_network(load_network(folder / MODEL), splits.read_split(folder / splits.TEST).images).probabilities
    predictions = probabilities.argmax(axis=1)
    np.testing.assert_array_equal(predictions, expected.argmax(axis=1))
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5, strict=True)
    metrics = json.loads((folder / "metrics/metrics.json").read_text())
    assert float((predictions == labels).mean()) == metrics["accuracy"]
