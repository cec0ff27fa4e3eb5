import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from stages.shared import stage
from stages.shared.network import MODEL, load_network
from stages.train import __main__ as train
from tests.conftest import ROOT, SetParameters


@pytest.fixture
def run_stage(project: Path, set_parameters: SetParameters, write_splits: Callable[..., None]) -> Callable[..., None]:
    """Return a function that runs the stage as `python -m` does, on small data."""
    assert project == Path.cwd()

    def run(validation: int = 40, **changes: object) -> None:
        write_splits(validation=validation)
        set_parameters(**{"epochs": 2, "hidden_sizes": [16], "numerics": "native"} | changes)
        stage.run(train.main)

    return run


def test_each_epoch_prints_a_line(run_stage: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    run_stage()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Epoch 1/2: loss 2.")
    assert "; validation loss 2." in lines[0]
    assert lines[1].startswith("Epoch 2/2: loss ")
    assert lines[2] == "Best epoch by validation loss: 2; models/mlp.safetensors holds epoch 2"
    assert len(lines) == 3


def test_curves_and_summary(run_stage: Callable[..., None]) -> None:
    run_stage(epochs=3)
    summary = json.loads(Path("metrics/train/metrics.json").read_text())
    assert summary["step"] == 3
    for split in ("train", "validation"):
        for metric in ("loss", "accuracy"):
            curve = pd.read_csv(f"metrics/train/plots/metrics/{split}/{metric}.tsv", sep="\t")
            assert curve["step"].tolist() == [1, 2, 3]
            assert curve[metric].iloc[-1] == pytest.approx(summary[split][metric])


def test_summary_is_of_the_kept_epoch(run_stage: Callable[..., None]) -> None:
    run_stage(optimizer="adam", lr=0.05, epochs=40, patience=2)
    curve = pd.read_csv("metrics/train/plots/metrics/validation/loss.tsv", sep="\t").set_index("step")["loss"]
    summary = json.loads(Path("metrics/train/metrics.json").read_text())
    assert summary["step"] == curve.idxmin() == curve.index[-1] - 2
    assert summary["validation"]["loss"] == pytest.approx(curve.min())


def test_without_validation(run_stage: Callable[..., None]) -> None:
    run_stage(validation=0)
    assert json.loads(Path("metrics/train/metrics.json").read_text()).keys() == {"train", "step"}


def test_model_can_be_rebuilt(run_stage: Callable[..., None]) -> None:
    run_stage(hidden_sizes=[12, 7])
    assert [tuple(tensor.shape) for tensor in load_network(MODEL).parameters()] == [
        *((12, 784), (12,)),
        *((7, 12), (7,)),
        *((10, 7), (10,)),
    ]


def test_divergence_leaves_no_model(run_stage: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_stage(lr=1000, weight_decay=1000, epochs=40)
    assert re.search(r"^error: the loss is no longer finite in epoch \d", capsys.readouterr().err, flags=re.MULTILINE)
    assert not MODEL.exists()


def test_patience_without_validation_is_refused(
    run_stage: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_stage(validation=0, patience=3)
    expected = "error: params.yaml: patience: 3 is not allowed where validation_size is 0\n"
    assert capsys.readouterr().err == expected
    assert not MODEL.exists()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_on_a_terminal_and_plain_lines_elsewhere(
    project: Path, set_parameters: SetParameters, write_splits: Callable[..., None], *, terminal: bool
) -> None:
    write_splits()
    set_parameters(epochs=2, hidden_sizes=[16])
    reader, writer = pty.openpty() if terminal else os.pipe()
    if terminal:
        termios.tcsetwinsize(writer, (24, 100))
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "stages.train"]
    with subprocess.Popen(command, cwd=project, env=environment, stdout=writer, stderr=writer) as process:
        os.close(writer)
        output = b""
        with contextlib.suppress(OSError):  # how a terminal ends
            while chunk := os.read(reader, 2**16):
                output += chunk
    os.close(reader)
    assert process.returncode == 0
    text = output.decode().replace("\r\n", "\n")
    assert bool(re.search(r"\d+%\|", text)) == terminal
    assert ("\r" in text) == terminal
    assert re.findall(r"(?:^|\r)(Epoch ./2: |Best epoch by )", text, flags=re.MULTILINE) == [
        *("Epoch 1/2: ", "Epoch 2/2: ", "Best epoch by ")
    ]
