import json
import re
from pathlib import Path

import pandas as pd
import pytest
import torch

from stages.shared import splits
from stages.shared.network import build_network, save_network
from stages.shared.weights import MODEL
from tests.stages.conftest import FailStage, RunStage, WriteSplits

METRICS = Path("metrics/metrics.json")
CLASS_METRICS = Path("metrics/classes.csv")
PREDICTIONS = Path("metrics/predictions.csv")
MISCLASSIFIED = Path("metrics/misclassified.png")


@pytest.fixture(autouse=True)
def model(write_splits: WriteSplits) -> None:
    """Write an untrained network, and a test set."""
    write_splits()
    write_model(scale=1)


def write_model(scale: float) -> None:
    torch.manual_seed(0)
    network = build_network((16,))
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.mul_(scale)
    save_network(MODEL, network)


def test_metrics_agree_with_predictions(run_stage: RunStage, capsys: pytest.CaptureFixture[str]) -> None:
    run_stage("evaluate")
    metrics = json.loads(METRICS.read_text())
    assert list(metrics) == ["accuracy", "loss", "macro_f1", "expected_calibration_error"]
    predictions = pd.read_csv(PREDICTIONS)
    assert predictions["actual"].tolist() == splits.read_split(splits.TEST).labels.tolist()
    assert metrics["accuracy"] == pytest.approx((predictions["actual"] == predictions["predicted"]).mean())
    assert capsys.readouterr().out == f"Test accuracy: {metrics['accuracy']:.2%}\n"
    classes = pd.read_csv(CLASS_METRICS, index_col="class")
    assert classes["support"].sum() == len(predictions)
    assert metrics["macro_f1"] == pytest.approx(classes["f1"].mean())


def test_second_run_writes_the_same_bytes(run_stage: RunStage) -> None:
    outputs = []
    for _ in range(2):
        run_stage("evaluate")
        outputs.append([path.read_bytes() for path in (METRICS, CLASS_METRICS, PREDICTIONS, MISCLASSIFIED)])
    assert outputs[0] == outputs[1]


def test_rejects_loss_that_is_not_finite(fail_stage: FailStage) -> None:
    write_model(scale=1e30)
    error = fail_stage("evaluate")
    assert re.match(r"models/mlp\.safetensors: the test loss is (nan|inf), must be a finite number; ", error)
    assert not METRICS.exists()
