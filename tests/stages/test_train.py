import contextlib
import csv
import json
import os
import pty
import re
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.shared import network
from stages.shared.network import MODEL
from tests.stages.conftest import FailStage, RunStage, SetParameters, WriteSplits
from tests.stages.networks import build_mlp

Prepare = Callable[..., None]


@pytest.fixture
def prepare(set_parameters: SetParameters, write_splits: WriteSplits, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """Return a function that writes small data and the parameters of a small training of the tests' own network."""
    monkeypatch.setattr(network, "build_network", build_mlp)

    def write(validation: int = 40, **changes: object) -> None:
        write_splits(validation=validation)
        set_parameters(**{"epochs": 2, "hidden_sizes": [16], "numerics": "native"} | changes)

    return write


@pytest.fixture
def train(prepare: Prepare, run_stage: RunStage) -> Callable[..., None]:
    def run(validation: int = 40, **changes: object) -> None:
        prepare(validation, **changes)
        run_stage("train")

    return run


def test_writes_curves_and_metrics(train: Callable[..., None]) -> None:
    train(epochs=3)
    metrics = json.loads(Path("metrics/train/metrics.json").read_text())
    assert metrics["step"] == 3
    for split in ("train", "validation"):
        for metric in ("loss", "accuracy"):
            curve = read_curve(split, metric)
            assert list(curve) == [1, 2, 3]
            assert curve[3] == pytest.approx(metrics[split][metric])


def read_curve(split: str, metric: str) -> dict[int, float]:
    """Read the value of a metric after each epoch."""
    with Path(f"metrics/train/plots/metrics/{split}/{metric}.tsv").open() as file:
        return {int(row["step"]): float(row[metric]) for row in csv.DictReader(file, delimiter="\t")}


def test_metrics_are_of_kept_epoch(train: Callable[..., None]) -> None:
    train(optimizer="adam", lr=0.05, epochs=40, patience=2)
    curve = read_curve("validation", "loss")
    metrics = json.loads(Path("metrics/train/metrics.json").read_text())
    assert metrics["step"] == min(curve, key=lambda step: curve[step]) == len(curve) - 2
    assert metrics["validation"]["loss"] == pytest.approx(min(curve.values()))


def test_without_validation_set(train: Callable[..., None]) -> None:
    train(validation=0)
    assert json.loads(Path("metrics/train/metrics.json").read_text()).keys() == {"train", "step"}


def test_writes_no_model_after_divergence(prepare: Prepare, fail_stage: FailStage) -> None:
    prepare(lr=1000, weight_decay=1000, epochs=40)
    expected = r"training diverged in epoch \d+: loss .*choose a lower lr.*; make restore brings the last model back$"
    assert re.match(expected, fail_stage("train"))
    assert not MODEL.exists()


def test_rejects_patience_without_validation_set(prepare: Prepare, fail_stage: FailStage) -> None:
    prepare(validation=0, patience=3)
    assert fail_stage("train") == "params.yaml: patience: 3 is not allowed where validation_size is 0"
    assert not MODEL.exists()


@pytest.mark.parametrize("terminal", [True, False])
def test_shows_progress_bar_only_on_terminal(
    train: Callable[..., None], monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    reader, writer = pty.openpty() if terminal else os.pipe()
    if terminal:
        termios.tcsetwinsize(writer, (24, 100))
    with (
        os.fdopen(writer, "w", buffering=1) as stdout,
        os.fdopen(os.dup(writer), "w", buffering=1) as stderr,
        monkeypatch.context() as patch,
    ):
        patch.setattr(sys, "stdout", stdout)
        patch.setattr(sys, "stderr", stderr)
        train()
    output = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while chunk := os.read(reader, 2**16):
            output += chunk
    os.close(reader)
    text = output.decode().replace("\r\n", "\n")
    assert bool(re.search(r"\d+%\|", text)) == terminal
    assert ("\r" in text) == terminal
    lines = r"(?:^|\r)(Epoch ./2: loss .*; validation loss |Best epoch by validation loss: 2; models/mlp.safetensors)"
    assert len(re.findall(lines, text, flags=re.MULTILINE)) == 3
