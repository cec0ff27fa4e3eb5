"""Tests of stages/shared/checkpoint.py: a training that is stopped and started again ends in the same bits."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from stages.shared import checkpoint
from stages.shared.epoch import Epoch
from stages.shared.network import build_network
from stages.shared.parameters import TrainParameters
from stages.train import train
from tests.stages.conftest import DATASET, make_parameters, make_split

EPOCHS = 6
CASES: dict[str, dict[str, object]] = {
    "sgd": {"momentum": 0.9, "augment": "elastic"},
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


def test_saves_no_more_often_than_every_ten_seconds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 10)
    run(make_parameters(epochs=2))
    assert list(folder.iterdir()) == []


def test_ignores_damaged_checkpoint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = run(make_parameters(epochs=2))
    content = bytearray((folder / "checkpoint").read_bytes())
    flipped = content.copy()
    flipped[len(content) // 2] ^= 1
    for damaged in (flipped, content[:-1], b""):
        (folder / "checkpoint").write_bytes(damaged)
        capsys.readouterr()
        assert run(make_parameters(epochs=2)) == expected
        line = f"{folder / 'checkpoint'}: damaged; training starts from the first epoch"
        assert capsys.readouterr().out.splitlines()[0] == line


def test_ignores_checkpoint_of_another_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = make_parameters(epochs=2)
    expected = run(parameters)
    run(make_parameters(epochs=2, lr=0.5))
    capsys.readouterr()

    def assert_starts_again() -> None:
        assert run(parameters) == expected
        assert "of another run; training starts from the first epoch" in capsys.readouterr().out

    assert_starts_again()
    with monkeypatch.context() as patch:
        patch.setattr(torch, "__version__", "1.0")
        assert_starts_again()
    monkeypatch.setenv(checkpoint.FOLDER, str(folder.rename(folder.with_name("other key"))))
    assert_starts_again()


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
