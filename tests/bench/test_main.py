from collections.abc import Callable
from pathlib import Path

import pytest

import bench.__main__ as command
from bench.comparison import Row, compare
from bench.measure import CommandError

Main = Callable[..., None]


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Main:
    """Return a function that runs the command with measurements that take no time, and results in `tmp_path`."""

    def fail(_folder: Path) -> list[Row]:
        raise CommandError("dvc repro exited with 1")

    monkeypatch.setattr(command, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr("bench.machine.describe", lambda: "- a machine\n")
    monkeypatch.setenv("MNIST_MIRROR", "/mirror")
    measurements = {name: lambda _folder, name=name: [compare(name, [1], [2], "s")] for name in ("one", "two")}
    monkeypatch.setattr(command, "MEASUREMENTS", measurements)

    def run(*arguments: str, failing: bool = False) -> None:
        if failing:
            monkeypatch.setitem(measurements, "two", fail)
        monkeypatch.setattr("sys.argv", ["bench", *arguments])
        command.main()

    return run


def test_a_whole_run_is_written(main: Main, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main()
    results = (tmp_path / "RESULTS.md").read_text()
    assert capsys.readouterr().out == results
    lines = results.splitlines()
    assert lines[0] == "# How fast"
    assert [line.split(" | ")[0] for line in lines[-4:]] == ["| what", "| ---", "| one", "| two"]
    assert "- a machine\n" in results


def test_a_part_is_printed_only(main: Main, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main("two")
    printed = capsys.readouterr().out
    assert "| two |" in printed
    assert "| one |" not in printed
    assert not (tmp_path / "RESULTS.md").exists()


def test_mistakes_are_told_in_a_line(
    main: Main, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main("three")
    assert "error: three: no such measurement; there are one, two\n" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="error: dvc repro exited with 1"):
        main(failing=True)
    monkeypatch.delenv("MNIST_MIRROR")
    with pytest.raises(SystemExit, match="2"):
        main("one")
    assert "error: MNIST_MIRROR is not set" in capsys.readouterr().err


def test_what_was_measured_before_a_fault_is_shown(main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(failing=True)
    assert "| one | 1.00 s |" in capsys.readouterr().err
