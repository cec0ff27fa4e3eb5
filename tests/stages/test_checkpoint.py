"""Tests of stages/shared/checkpoint.py: a training that is stopped and started again ends in the same bits."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
import torch
from torch import nn

from stages.shared import checkpoint
from stages.shared.epoch import Epoch
from stages.shared.network import build_network
from stages.shared.parameters import TrainParameters
from stages.train import train
from tests.stages.conftest import DATASET, RunStage, SetParameters, WriteSplits, make_parameters, make_split

if TYPE_CHECKING:
    from dvclive import Live

EPOCHS = 6
CASES: dict[str, dict[str, object]] = {
    "sgd": {"momentum": 0.9},
    "adam": {"optimizer": "adam", "lr": 0.01, "augment": "elastic"},
    "one_cycle": {"optimizer": "adamw", "lr": 0.01, "schedule": "one_cycle", "augment": "affine"},
    "rmsprop": {"optimizer": "rmsprop", "lr": 0.01},
    "patience": {"optimizer": "adam", "lr": 0.2, "batch_size": 8, "patience": EPOCHS},  # keeps epoch 2
}


class Stopped(Exception):  # noqa: N818 - stands in for a kill
    """The training was stopped."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the training a folder for its checkpoints, after each epoch."""
    monkeypatch.setattr(checkpoint, "SECONDS", 0)
    folder = tmp_path / "key"
    folder.mkdir()
    monkeypatch.setenv(checkpoint.FOLDER, str(folder))
    return folder


def run(parameters: TrainParameters, stop_after: int | None = None) -> tuple[bytes, list[Epoch], Epoch]:
    """Train; return the weights, the epochs that were reported, and the epoch that was kept."""
    torch.manual_seed(parameters.seed)
    network = nn.Sequential(build_network(DATASET, parameters), nn.Dropout(0.1))  # draws from torch's own generator
    epochs: list[Epoch] = []

    def report(epoch: Epoch) -> None:
        if len(epochs) == stop_after:
            raise Stopped
        epochs.append(epoch)

    kept = train(network, make_split(100), make_split(40, seed=1), parameters, report)
    weights = b"".join(tensor.numpy().tobytes() for tensor in network.state_dict().values())
    return weights, epochs, kept


@pytest.mark.parametrize("case", CASES)
def test_resumed_training_ends_in_the_same_bits(folder: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    parameters = make_parameters(epochs=EPOCHS, **CASES[case])
    expected = run(parameters)
    (folder / "checkpoint").unlink()
    capsys.readouterr()
    for done in (2, 3, 5):
        with pytest.raises(Stopped):
            run(parameters, stop_after=done)
    resumed = run(parameters)
    output = capsys.readouterr().out
    assert [f"Resumed after epoch {done} of {EPOCHS}\n" in output for done in (2, 3, 5)] == [True] * 3
    assert [output.count(f"Epoch {number}/{EPOCHS}: ") for number in range(1, EPOCHS + 1)] == [1, 1, 2, 2, 1, 2]
    assert resumed == expected


def test_resumed_stage_writes_the_same_files(
    folder: Path,
    run_stage: RunStage,
    set_parameters: SetParameters,
    write_splits: WriteSplits,
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_parameters(epochs=4, optimizer="adam", lr=0.2, patience=3)
    write_splits()
    run_stage("train")
    expected = read_files()
    log = Epoch.log

    def stop(epoch: Epoch, live: "Live", *, plot: bool = True) -> None:
        if epoch.number == 3:
            raise Stopped
        log(epoch, live, plot=plot)

    (folder / "checkpoint").unlink()
    with mock.patch.object(Epoch, "log", stop), pytest.raises(Stopped):
        run_stage("train")
    shutil.rmtree("metrics")  # as DVC does
    shutil.rmtree("models")
    run_stage("train")
    assert "Resumed after epoch 2 of 4\n" in capsys.readouterr().out
    assert read_files() == expected


def read_files() -> dict[str, bytes]:
    """Read what train writes."""
    return {str(path): path.read_bytes() for name in ("metrics", "models") for path in Path(name).rglob("*.*")}


def test_saves_no_more_often_than_every_ten_seconds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 10)
    run(make_parameters(epochs=2))
    assert list(folder.iterdir()) == []


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "change",
    [damage, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(path.read_bytes()[:-1])],
    ids=["flipped bit", "empty", "truncated"],
)
def test_ignores_damaged_checkpoint(
    folder: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], None]
) -> None:
    expected = run(make_parameters(epochs=2))
    change(folder / "checkpoint")
    capsys.readouterr()
    assert run(make_parameters(epochs=2)) == expected
    line = f"{folder / 'checkpoint'}: damaged; training starts from the first epoch"
    assert capsys.readouterr().out.splitlines()[0] == line


@pytest.mark.parametrize("other", ["folder", "parameters", "version"])
def test_ignores_checkpoint_of_another_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    parameters = make_parameters(epochs=2)
    expected = run(parameters)
    if other == "folder":
        monkeypatch.setenv(checkpoint.FOLDER, str(folder.rename(folder.with_name("other key"))))
    elif other == "parameters":
        run(make_parameters(epochs=2, lr=0.5))
    else:
        (folder / "checkpoint").unlink()
        with monkeypatch.context() as patch:
            patch.setattr(torch, "__version__", "1.0")
            run(parameters)
    capsys.readouterr()
    assert run(parameters) == expected
    assert "of another run; training starts from the first epoch" in capsys.readouterr().out


def test_training_continues_where_no_checkpoint_can_be_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = make_parameters(epochs=2)
    expected = run(parameters)
    shutil.rmtree(folder)
    folder.symlink_to("/dev/full")
    capsys.readouterr()
    assert run(parameters) == expected
    assert "/checkpoint: cannot be written: Not a directory; training continues" in capsys.readouterr().out
