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
    monkeypatch.setattr("bench.machine.describe", lambda: "a machine")
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
    assert [line.split(" | ")[0] for line in lines[-4:]] == ["| measurement", "| ---", "| one", "| two"]
    assert "\n- one: a machine\n- two: a machine\n" in results


def test_a_part_takes_the_place_of_its_last_one(main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main("two")
    main("one")
    before = (tmp_path / "RESULTS.md").read_text()
    monkeypatch.setattr("bench.machine.describe", lambda: "another machine")
    monkeypatch.setitem(command.MEASUREMENTS, "one", lambda _: [compare("other", [3], [2], "s")])
    main("one")
    after = (tmp_path / "RESULTS.md").read_text()
    changed = before.replace("- one: a machine", "- one: another machine").replace(
        "| one | one | 1.00 s | 2.00 s | 0.500 (0.500 to 0.500)",
        "| one | other | 3.00 s | 2.00 s | 1.50 (1.50 to 1.50)",
    )
    assert after == changed
    assert after != before


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


def test_what_was_measured_before_a_fault_is_written(main: Main, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(failing=True)
    assert "| one | one | 1.00 s |" in (tmp_path / "RESULTS.md").read_text()
