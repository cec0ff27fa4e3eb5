import json
from pathlib import Path

import pytest
from rich.text import Text

from checks.__main__ import main
from checks.report import FAILS, Result, report
from tests.checks.conftest import DVC_WARNS, TINY, Ask, Project

pytestmark = DVC_WARNS

FOUND = Result(
    "fresh", FAILS, "two|things", ("stage", "cause"), [("a[red]", "b|c\nd"), ("x" * 200, ":smile:")], ["*Note*"]
)


def test_the_table_shows_all_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    report(FOUND, as_json=False)
    shown = capsys.readouterr().out
    assert "a[red]" in shown
    assert ":smile:" in shown
    assert shown.count("x") == 200
    assert shown.splitlines()[-2:] == ["fresh does not hold: two|things", "*Note*"]


def test_the_table_is_as_wide_as_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    report(FOUND, as_json=False)
    shown = Text.from_ansi(capsys.readouterr().out).plain
    assert max(len(line) for line in shown.splitlines()) == 60


def test_no_answer_is_one_line_on_standard_error(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fresh"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("fresh could not tell: you are not inside of a DVC repository")
    assert shown.err.count("\n") == 1


def test_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    report(FOUND, as_json=True)
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    assert json.loads(shown) == {
        "check": "fresh",
        "status": 1,
        "summary": "two|things",
        "rows": [{"stage": "a[red]", "cause": "b|c\nd"}, {"stage": "x" * 200, "cause": ":smile:"}],
        "notes": ["*Note*"],
    }


def test_the_summary_of_a_workflow_gets_markdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "summary.md"
    page.write_text("Before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    report(FOUND, as_json=False)
    report(Result("cache", 0, "all 3"), as_json=True)
    lines = page.read_text().replace("x" * 200, "long").splitlines()
    assert lines == [
        "Before",
        "### fresh does not hold: two\\|things",
        "",
        "| stage | cause |",
        "| --- | --- |",
        "| a[red] | b\\|c d |",
        "| long | :smile: |",
        "",
        "\\*Note\\*",
        "",
        "### cache holds: all 3",
        "",
    ]


def test_a_result_that_cannot_be_written_is_no_answer(
    tiny: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tiny.folder))
    assert main(["fresh"]) == 2
    assert capsys.readouterr().err.startswith("fresh could not tell: the result cannot be written: ")


def test_all_in_a_folder_of_the_repository(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    project = Project.create(empty / "a repository", "lower")
    project.fill(TINY)
    monkeypatch.chdir(project.folder)
    capfd.readouterr()
    assert main(["all", "--json"]) == 0
    answers = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(answer["check"], answer["status"]) for answer in answers] == [("fresh", 0), ("cache", 0), ("reproduce", 0)]


def test_an_interrupt_is_no_answer(tiny: Project, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("checks.fresh.check", interrupt)
    assert ask("fresh") == {"check": "fresh", "status": 2, "summary": "interrupted", "rows": [], "notes": []}


@pytest.mark.parametrize(("statuses", "status"), [((0, 0, 0), 0), ((0, 2, 0), 2), ((2, 1, 0), 1), ((1, 0, 2), 1)])
def test_a_failure_outweighs_what_no_one_can_tell(
    monkeypatch: pytest.MonkeyPatch, statuses: tuple[int, ...], status: int
) -> None:
    results = [Result("x", each, "") for each in statuses]
    monkeypatch.setattr("checks.__main__.run", lambda *_: results.pop(0))
    assert main(["all"]) == status


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "python -m checks: the following arguments are required: NAME; see --help"),
        (["gate"], "python -m checks gate: the following arguments are required: --base; see --help"),
        (["gate", "--base", "HEAD", "--allow", "x"], "--allow: x: must be X or METRIC=X, X a number from 0 on"),
        (["gate", "--base", "HEAD", "--allow", "x=-1"], "--allow: x=-1: must be"),
        (["reproduce", "--tolerance", "nan"], "--tolerance: nan: must be"),
        (["reproduce", "--tolerance", "inf"], "--tolerance: inf: must be"),
        (
            ["gate", "--base", "HEAD", "--direction", "higher"],
            "--direction: higher: must be METRIC=WAY, WAY one of higher",
        ),
        (["gate", "--base", "HEAD", "--direction", "x=up"], "--direction: x=up: must be METRIC=WAY"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_the_help_states_the_tolerance_and_where_it_is_from(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["reproduce", "--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "0.007 where none is given: three standard deviations" in shown
