from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import training
from bench.programs import Program


def make_programs(_folder: Path, _epochs: int) -> SimpleNamespace:
    """Make fake programs; the tutorial's loop is twice as fast when environment variables are set."""

    def tutorial(_optimizer: str, _epochs: int, environment: Mapping[str, str]) -> Program:
        seconds = 10.0 if environment else 20.0
        return lambda seed: {
            "training_seconds": seconds + seed,
            "process_seconds": seconds + 10 + seed,
            "accuracy": 0.9 + 0.01 * seed,
        }

    def training_loop(_optimizer: str, _epochs: int, numerics: str) -> Program:
        seconds = 2.0 if numerics == "native" else 4.0
        return lambda seed: {"training_seconds": seconds + seed, "accuracy": 0.905}

    return SimpleNamespace(
        tutorial=tutorial,
        training_loop=training_loop,
        repro=lambda _epochs: lambda _seed: {"process_seconds": 5.0, "accuracy": 0.5},
        experiment=lambda _seed: {"process_seconds": 2.0, "accuracy": 0.905},
    )


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[str]]:
    monkeypatch.setattr(training, "Programs", make_programs)
    return {row.what: list(row[1:]) for row in training.measure(tmp_path, rounds=2, epochs=10)}


def test_chooses_faster_number_of_threads(rows: dict[str, list[str]]) -> None:
    what = "the tutorial's loop, one epoch, all threads against one thread (one thread in the rows below)"
    assert rows[what][:3] == ["20.5 s", "10.5 s", "1.95 (1.91 to 2.00)"]
    assert rows["training loop, sgd, native, one thread, against the tutorial's loop"][1] == "10.5 s"


def test_compares_loops(rows: dict[str, list[str]]) -> None:
    native = rows["training loop, sgd, native, one thread, against the tutorial's loop"]
    assert native == ["2.50 s", "10.5 s", "0.238 (0.200 to 0.273)", "at most 0.111", "**no**"]
    assert rows["training loop, adam, portable, one thread, against the tutorial's loop"][0] == "4.50 s"


def test_compares_processes(rows: dict[str, list[str]]) -> None:
    repro = rows["`dvc repro` in a fresh clone, against the tutorial's program"]
    assert repro[:2] == ["5.00 s", "20.5 s"]
    adam = rows["`dvc exp run -S optimizer=adam -S lr=0.001`, against the tutorial's program with Adam"]
    assert adam == ["2.00 s", "20.5 s", "0.0976 (0.0952 to 0.100)", "at most 0.35", "yes"]


def test_compares_accuracies(rows: dict[str, list[str]]) -> None:
    assert rows["test accuracy over 2 seeds, sgd, native, against the tutorial's"][-1] == "yes"
    assert rows["test accuracy over 2 seeds, dvc repro, against the tutorial's"][-1] == "**no**"
