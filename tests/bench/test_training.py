from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import training
from bench.contest import Contestant
from bench.matrix_rate import measure_rate


def make_contest(_folder: Path) -> SimpleNamespace:
    """Make what stands for the contestants. The article's loop is twice as fast in an environment of its own."""

    def article(_optimizer: str, _epochs: int, environment: Mapping[str, str]) -> Contestant:
        seconds = 10.0 if environment else 20.0
        return lambda seed: {"seconds": seconds + seed, "whole": seconds + 10 + seed, "accuracy": 0.9 + 0.01 * seed}

    def loop(_optimizer: str, _epochs: int, numerics: str) -> Contestant:
        seconds = 2.0 if numerics == "native" else 4.0
        return lambda seed: {"seconds": seconds + seed, "accuracy": 0.905}

    return SimpleNamespace(
        article=article,
        loop=loop,
        repro=lambda _epochs: lambda _seed: {"whole": 5.0, "accuracy": 0.5},
        experiment=lambda _seed: {"whole": 2.0, "accuracy": 0.905},
        matrix_rate=lambda seed: {"rate": 1e11 * (1 + seed), "size": 512 * (1 + seed)},
    )


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[str]]:
    monkeypatch.setattr(training, "Contest", make_contest)
    return {row.what: list(row[1:]) for row in training.measure(tmp_path, rounds=2, epochs=10)}


def test_a_sample_costs_what_the_design_says() -> None:
    assert training.count_operations((784, 128, 64, 10)) == 454_400


def test_the_article_runs_as_it_is_faster(rows: dict[str, list[str]]) -> None:
    what = "the article's loop, an epoch, all threads against one (one thread in what follows)"
    assert rows[what][:3] == ["20.5 s", "10.5 s", "1.95 (1.91 to 2.00)"]
    assert rows["training loop, sgd, native, one thread, against the article's loop"][1] == "10.5 s"


def test_loops_are_compared_with_the_articles_loop(rows: dict[str, list[str]]) -> None:
    native = rows["training loop, sgd, native, one thread, against the article's loop"]
    assert native == ["2.50 s", "10.5 s", "0.238 (0.200 to 0.273)", "at most 0.111", "**no**"]
    assert rows["training loop, adam, portable, one thread, against the article's loop"][0] == "4.50 s"


def test_the_floor_is_operations_over_the_rate_of_the_round(rows: dict[str, list[str]]) -> None:
    what = (
        "training loop, sgd, native, against the floor for one thread "
        "(273 GFLOP at 200 GFLOP/s, torch.mm of 1024 x 1024)"
    )
    # 272.64 GFLOP at 100 and at 200 GFLOP/s: 2.73 and 1.36 s
    assert rows[what] == ["2.50 s", "2.04 s", "1.22 (0.734 to 2.20)", "at most 3", "yes"]


def test_whole_programs_are_compared(rows: dict[str, list[str]]) -> None:
    repro = rows["`dvc repro` from fresh, whole, against the article's whole program"]
    assert repro[:2] == ["5.00 s", "20.5 s"]
    adam = rows["`dvc exp run -S optimizer=adam -S lr=0.001` against the article's program with Adam"]
    assert adam == ["2.00 s", "20.5 s", "0.0976 (0.0952 to 0.100)", "at most 0.35", "yes"]


def test_accuracies_are_compared_over_the_seeds(rows: dict[str, list[str]]) -> None:
    assert rows["test accuracy over 2 seeds, sgd, native, against the article's"][-1] == "yes"
    assert rows["test accuracy over 2 seeds, dvc repro, against the article's"][-1] == "**no**"


def test_the_matrix_rate_is_the_highest_seen() -> None:
    rate, size = measure_rate((8, 256), repetitions=3)
    assert 1e8 < rate < 1e14
    assert size == 256
