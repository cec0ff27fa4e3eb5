import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.exceptions import DvcException
from rich.text import Text

from dvc_guard.checks.command_line import main
from dvc_guard.checks.report import FAILED, Result, report
from foreign_project import FILES, Project, RunCheck

RESULT = Result(
    "fresh", FAILED, "two|things", ("stage", "cause"), [("a[red]", "b|c\nd"), ("x" * 200, ":smile:")], ["*Note*"]
)


def run_command(*arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "dvc_guard", *arguments]
    return subprocess.run(command, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_table_prints_text_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    report(RESULT, as_json=False)
    output = capsys.readouterr().out
    assert "a[red]" in output
    assert ":smile:" in output
    assert output.count("x") == 200
    assert output.splitlines()[-2:] == ["fresh failed: two|things", "*Note*"]


def test_table_fits_terminal_width(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "60"}.items():
        monkeypatch.setenv(name, value)
    report(RESULT, as_json=False)
    output = Text.from_ansi(capsys.readouterr().out).plain
    assert max(len(line) for line in output.splitlines()) == 60


def test_prints_json_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    report(RESULT, as_json=True)
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    assert json.loads(output) == {
        "check": "fresh",
        "status": 1,
        "summary": "two|things",
        "rows": [{"stage": "a[red]", "cause": "b|c\nd"}, {"stage": "x" * 200, "cause": ":smile:"}],
        "notes": ["*Note*"],
    }


def test_appends_markdown_to_step_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "summary.md"
    page.write_text("Before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    report(RESULT, as_json=False)
    report(Result("cache", 0, "all 3"), as_json=True)
    table = ["| stage | cause |", "| --- | --- |", "| a[red] | b\\|c d |", "| long | :smile: |"]
    lines = [
        "Before",
        "### fresh failed: two\\|things",
        "",
        *table,
        "",
        "\\*Note\\*",
        "",
        "### cache passed: all 3",
        "",
    ]
    assert page.read_text().replace("x" * 200, "long").splitlines() == lines


def test_reports_unwritable_step_summary(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.folder))
    assert main("fresh", []) == 2
    assert capsys.readouterr().err.startswith("fresh error: cannot write the result: ")


def test_prints_error_to_stderr(empty_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("fresh", []) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"fresh error: {empty_folder} is not in a Git repository")
    assert output.err.count("\n") == 1


@pytest.mark.usefixtures("in_process")
def test_runs_all_below_subdirectory(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The DVC project is in a subdirectory of the Git repository; the command runs below its root."""
    project = Project.create(empty_folder / "a repository", "sub")
    project.run_and_commit(FILES | {"below/x": ""})
    monkeypatch.chdir(project.folder / "below")
    capfd.readouterr()
    assert main("all", ["--json"]) == 0
    results = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(result["check"], result["status"]) for result in results] == [("fresh", 0), ("cache", 0), ("reproduce", 0)]


@pytest.mark.parametrize(("statuses", "status"), [((0, 0, 0), 0), ((0, 2, 0), 2), ((2, 1, 0), 1), ((1, 0, 2), 1)])
def test_failure_has_precedence_over_error(
    monkeypatch: pytest.MonkeyPatch, statuses: tuple[int, ...], status: int
) -> None:
    results = [Result("x", each, "") for each in statuses]
    monkeypatch.setattr("dvc_guard.checks.command_line.run_check", lambda *_: results.pop(0))
    assert main("all", []) == status


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "dvc-guard gate: the following arguments are required: --base; see --help"),
        (["--allow", "x"], "--allow: x: must be X or METRIC=X, where X is a finite number >= 0"),
        (["--allow", "x=-1"], "--allow: x=-1: must be"),
        (["--allow", "nan"], "--allow: nan: must be"),
        (["--allow", "inf"], "--allow: inf: must be"),
        (
            ["--direction", "higher"],
            "--direction: higher: must be METRIC=DIRECTION, where DIRECTION is one of higher, lower, any",
        ),
        (["--direction", "x=up"], "--direction: x=up: must be METRIC=DIRECTION"),
    ],
)
def test_rejects_invalid_arguments(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main("gate", arguments)
    assert exit_info.value.code == 2
    output = capsys.readouterr().err
    assert message in output
    assert output.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "summary"),
    [
        (LookupError("two\nlines"), "LookupError: two lines"),
        (ImportError("a module"), "ImportError: a module"),
        (SystemExit("text"), "SystemExit: text"),
        (DvcException("\x1b[36mblue\x1b[0m"), "blue"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_exception_exits_with_2(
    project: Project, run_check: RunCheck, monkeypatch: pytest.MonkeyPatch, error: BaseException, summary: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("dvc_guard.checks.fresh.check", fail)
    assert run_check("fresh") == {"check": "fresh", "status": 2, "summary": summary, "rows": [], "notes": []}


def test_unprintable_path_exits_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    monkeypatch.setattr("dvc_guard.checks.command_line.run_check", lambda *_: Result("fresh", 0, "\N{SNOWMAN}"))
    assert main("fresh", []) == 2


def test_only_result_is_on_stdout(
    project: Project, run_check: RunCheck, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    logger, handler = logging.getLogger("dvc"), logging.StreamHandler(sys.stdout)

    def check() -> Result:
        logger.info("a message")
        return Result("fresh", 0, "passed")

    monkeypatch.setattr("dvc_guard.checks.fresh.check", check)
    monkeypatch.setattr(logger, "handlers", [handler])
    logger.setLevel(logging.INFO)  # a command of another test may have set it
    assert run_check("fresh")["summary"] == "passed"
    logger.info("another message")
    assert capfd.readouterr().out == "another message\n", "main changed the logging of its caller"


@pytest.mark.parametrize("arguments", [["fresh"], ["fresh", "--json"], ["gate", "--base", "unknown"]], ids=" ".join)
@pytest.mark.parametrize("output", ["full disk", "broken pipe"])
def test_unwritable_output_exits_with_2(project: Project, arguments: list[str], output: str) -> None:
    """Python itself exits with 120 if it cannot flush standard output, and rich with 1 if the pipe is closed."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) if output == "broken pipe" else Path("/dev/full").open("w") as file:
        environment = os.environ | {"PYTHONUNBUFFERED": ""}
        stderr = file if arguments[0] == "gate" else None
        process = run_command(*arguments, env=environment, stdout=file, stderr=stderr)
    assert process.returncode == 2


@pytest.mark.parametrize("content", [None, b""], ids=["missing", "damaged"])
def test_git_object_exits_with_2(project: Project, content: bytes | None) -> None:
    """pygit2 waits forever for such a blob."""
    blob = project.git("rev-parse", "HEAD:raw.txt").strip()
    path = project.folder / ".git/objects" / blob[:2] / blob[2:]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    process = run_command("fresh", capture_output=True)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert (blob in process.stderr) == (content is None)


def test_says_what_to_fetch_in_partial_clone(project: Project, run_check: RunCheck) -> None:
    blob = project.git("rev-parse", "HEAD:raw.txt").strip()
    project.delete(f".git/objects/{blob[:2]}/{blob[2:]}")
    assert "git fsck" in run_check("fresh")["summary"]
    project.git("config", "remote.origin.promisor", "true")
    advice = f"{blob} is missing; run git fetch --refetch --no-filter, because this is a partial clone"
    assert run_check("fresh")["summary"].endswith(advice)


@pytest.mark.parametrize(("name", "text"), [("config", "[core"), ("config.local", "[core]\nother = 1\n")])
def test_names_damaged_config_once(project: Project, run_check: RunCheck, name: str, text: str) -> None:
    project.write(f".dvc/{name}", text)
    result = run_check("fresh")
    assert (result["status"], result["summary"].count("error: ")) == (2, 1)
    assert result["summary"].startswith(f".dvc/{name}: config file error: ")


def test_missing_package_of_remote_exits_with_2(project: Project, run_check: RunCheck) -> None:
    project.write("dvc.yaml", "stages: {s: {cmd: 'true', deps: ['oss://bucket/file']}}")
    project.commit()
    for arguments in (["fresh"], ["cache"], ["reproduce"], ["gate", "--base", "HEAD"]):
        result = run_check(*arguments)
        assert (result["status"], "requires 'dvc-oss'" in result["summary"]) == (2, True)


def test_names_unshallow_in_shallow_clone(project: Project, run_check: RunCheck) -> None:
    project.commit()
    project.make_shallow()
    summary = run_check("gate", "--base", "HEAD~1")["summary"]
    assert summary == "unknown Git revision 'HEAD~1', and this is a shallow clone; run git fetch --unshallow"


@pytest.mark.parametrize("check", ["fresh", "cache", "reproduce", "gate"])
def test_repository_without_commit_exits_with_2(empty_folder: Path, run_check: RunCheck, check: str) -> None:
    project = Project.create(empty_folder / "a repository")
    os.chdir(project.folder)
    result = run_check(check, *(["--base", "HEAD"] if check == "gate" else []))
    assert (result["status"], result["summary"]) == (
        2,
        "there is no commit yet, or it cannot be read: commit first, or run git fsck",
    )
