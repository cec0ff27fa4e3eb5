from collections.abc import Callable
from pathlib import Path

import pytest

from bench import command_line
from bench.comparison import Row
from bench.runner import CommandError
from tests.bench.conftest import Benchmarks

Main = Callable[..., None]


@pytest.fixture
def main(benchmarks: Benchmarks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Main:
    """Return a function that runs the command with the fake benchmarks."""
    monkeypatch.setenv("MNIST_MIRROR", "/mirror")
    monkeypatch.setattr(command_line, "JAX_PYTHON", tmp_path)

    def run(*arguments: str) -> None:
        monkeypatch.setattr("sys.argv", ["bench", *arguments])
        command_line.main()

    return run


@pytest.fixture
def two_fails(benchmarks: Benchmarks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the second benchmark fail."""

    def fail(_folder: Path) -> list[Row]:
        raise CommandError("dvc repro exited with 1", 1)

    monkeypatch.setitem(benchmarks, "two", fail)


def test_runs_all_benchmarks(main: Main, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main()
    results = (tmp_path / "RESULTS.md").read_text()
    assert capsys.readouterr().out == results
    lines = results.splitlines()
    assert lines[0] == "# Benchmark results"
    assert [line.split(" | ")[0] for line in lines[-4:]] == ["| benchmark", "| ---", "| one", "| two"]
    assert "\n- one: a machine\n- two: a machine\n" in results


def test_runs_named_benchmarks(main: Main, tmp_path: Path) -> None:
    main("two")
    assert "| one | " not in (tmp_path / "RESULTS.md").read_text()


def test_rejects_unknown_benchmark(main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main("three")
    assert "error: invalid benchmark: three (choose from one, two)\n" in capsys.readouterr().err


def test_requires_mirror(main: Main, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("MNIST_MIRROR")
    with pytest.raises(SystemExit, match="2"):
        main("one")
    assert "error: MNIST_MIRROR is not set" in capsys.readouterr().err


@pytest.mark.usefixtures("two_fails")
def test_reports_failure(main: Main) -> None:
    with pytest.raises(SystemExit, match="error: dvc repro exited with 1"):
        main()


@pytest.mark.usefixtures("two_fails")
def test_keeps_results_before_failure(main: Main, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main()
    assert "| one | one | 1.00 s |" in (tmp_path / "RESULTS.md").read_text()


def test_requires_jax(
    main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "JAX_PYTHON", tmp_path / "missing")
    with pytest.raises(SystemExit, match="2"):
        main("one")
    assert "missing is missing; make bench installs JAX there" in capsys.readouterr().err
