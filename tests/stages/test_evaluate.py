import csv
import json
import math
import re
import statistics
from pathlib import Path

import pytest
import torch
from sklearn.metrics import precision_recall_fscore_support
from torch import nn

from stages.shared import network as shared_network
from stages.shared import splits
from stages.shared.datasets import Dataset
from stages.shared.network import MODEL, save_network
from tests.stages.conftest import DATASET, FailStage, RunStage, WriteSplits, make_parameters
from tests.stages.networks import build_mlp

METRICS = Path("metrics/metrics.json")
CLASS_METRICS = Path("metrics/classes.csv")
PREDICTIONS = Path("metrics/predictions.csv")


@pytest.fixture(autouse=True)
def network(write_splits: WriteSplits, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """Write an untrained network of the tests' own, and a test set."""
    monkeypatch.setattr(shared_network, "build_network", build_mlp)
    write_splits()
    return write_model()


def write_model(dataset: Dataset = DATASET, scale: float = 1) -> nn.Module:
    torch.manual_seed(0)
    parameters = make_parameters(hidden_sizes=[16])
    network = build_mlp(dataset, parameters)
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.mul_(scale)
    save_network(MODEL, network, dataset, parameters)
    return network


def read_columns(path: Path) -> dict[str, list[str]]:
    header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def test_metrics_agree_with_network(
    network: nn.Module, run_stage: RunStage, capsys: pytest.CaptureFixture[str]
) -> None:
    run_stage("evaluate")
    metrics = json.loads(METRICS.read_text())
    images, labels, _ = splits.read_split(splits.TEST)
    with torch.no_grad():
        logits = network(images)
    predictions = logits.argmax(dim=1)
    table = read_columns(PREDICTIONS)
    assert table["actual"] == list(map(str, labels.tolist()))
    assert table["predicted"] == list(map(str, predictions.tolist()))
    assert metrics["accuracy"] == pytest.approx((labels == predictions).double().mean().item())
    assert metrics["loss"] == pytest.approx(nn.CrossEntropyLoss()(logits, labels).item())
    assert capsys.readouterr().out == f"Test accuracy: {metrics['accuracy']:.2%}\n"
    classes = read_columns(CLASS_METRICS)
    assert classes.pop("class") == list("0123456789")
    expected = precision_recall_fscore_support(labels, predictions, labels=range(10), zero_division=0)
    for column, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert list(map(float, classes[column])) == values.tolist()
    assert metrics["macro_f1"] == pytest.approx(statistics.mean(map(float, classes["f1"])))
    assert 0 <= metrics["expected_calibration_error"] < 0.2


def test_tables_have_the_names_of_the_classes(run_stage: RunStage) -> None:
    classes = ("T-shirt, top", *"abcdefghi")
    dataset = DATASET.model_copy(update={"classes": classes})
    write_model(dataset)
    images, labels, _ = splits.read_split(splits.TEST)
    splits.write_split(splits.TEST, images.numpy().copy(), labels.numpy().copy(), dataset)
    run_stage("evaluate")
    assert read_columns(CLASS_METRICS)["class"] == list(classes)
    assert read_columns(PREDICTIONS)["actual"] == [classes[label] for label in labels]


def test_rejects_network_trained_on_other_data(fail_stage: FailStage) -> None:
    write_model(DATASET.model_copy(update={"mean": 0.1}))
    assert fail_stage("evaluate") == f"{MODEL}: trained on other data than {splits.TEST}; run dvc repro"


def test_rejects_loss_that_is_not_finite(fail_stage: FailStage) -> None:
    write_model(scale=1e30)
    error = fail_stage("evaluate")
    assert re.match(r"models/mlp\.safetensors: the test loss is (nan|inf), must be a finite number; ", error)
    assert not METRICS.exists()


def test_large_logits(run_stage: RunStage) -> None:
    write_model(scale=1e8)
    run_stage("evaluate")
    assert math.isfinite(json.loads(METRICS.read_text())["loss"])
