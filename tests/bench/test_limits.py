from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import limits
from bench.programs import ALL_KERNELS


def make_programs(_folder: Path, _epochs: int) -> SimpleNamespace:
    """Make fake programs; AVX2 kernels have half the rate of the fastest."""
    loops, rates = {"native": 2.0, "portable": 4.0}, {False: 1e11, True: 2e11}
    return SimpleNamespace(
        jax=lambda _epochs: lambda _seed: {"training_seconds": 2.5, "compile_seconds": 5, "process_seconds": 10},
        sklearn=lambda _epochs: lambda _seed: {"training_seconds": 25},
        training_loop=lambda _optimizer, _epochs, numerics: lambda seed: {"training_seconds": loops[numerics] + seed},
        stage_train=lambda _seed: {"process_seconds": 8.0},
        matmul_throughput=lambda kernels: lambda seed: {"flops_per_second": (1 + seed) * rates[kernels == ALL_KERNELS]},
    )


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[str]]:
    monkeypatch.setattr(limits, "Programs", make_programs)
    return {row.what: list(row[1:]) for row in limits.measure(tmp_path, rounds=2, epochs=10)}


def test_count_flop() -> None:
    assert limits.count_flop((784, 128, 64, 10)) == 454_400


def test_compares_with_jax(rows: dict[str, list[str]]) -> None:
    loop = "training loop, sgd, {}, against JAX's without its compilation"
    assert rows[loop.format("native")] == ["2.50 s", "2.50 s", "1.00 (0.800 to 1.20)", "at most 1.6", "yes"]
    assert rows[loop.format("portable")][:2] == ["4.50 s", "2.50 s"]
    assert rows[loop.format("scikit-learn")][:2] == ["25.0 s", "2.50 s"]
    process = "stage `train` without DVC, against JAX's program with imports, reading and compilation"
    assert rows[process] == ["8.00 s", "10.0 s", "0.800 (0.800 to 0.800)", "at most 0.9", "yes"]
    assert rows["JAX's compilation, against its training loop"][:2] == ["5.00 s", "2.50 s"]


def test_compares_with_lower_bound(rows: dict[str, list[str]]) -> None:
    """272.64 GFLOP take 2.73 s and 1.36 s at the rates of the two rounds with AVX2, half as long with any kernel."""
    what = "training loop, sgd, {}, against matrix multiplication time, the lower bound (273 GFLOP at {})"
    portable = rows[what.format("portable", "200 GFLOP/s, any AVX2 kernel")]
    assert portable == ["4.50 s", "2.04 s", "2.20 (1.47 to 3.67)", "at most 1.6", "**no**"]
    native = rows[what.format("native", "400 GFLOP/s, any kernel")]
    assert native == ["2.50 s", "1.02 s", "2.45 (1.47 to 4.40)", "", ""]
