"""The command dvc-guard: what is common to all its commands."""

import sys
from pathlib import Path

import pytest

from dvc_guard.cli import COMMANDS, main
from foreign_project import Project


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_lists_commands(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 0
    output = capsys.readouterr().out
    assert all(name in output for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_command(capsys: pytest.CaptureFixture[str], name: str) -> None:
    with pytest.raises(SystemExit, match="0"):
        sys.exit(main([name, "--help"]))
    assert capsys.readouterr().out.startswith(f"usage: dvc-guard {name} ")


def test_rejects_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frehs"]) == 2
    assert capsys.readouterr().err == "dvc-guard: frehs: no such command; see --help\n"


@pytest.mark.parametrize(("name", "status"), [("fresh", 2), ("restore", 1)])
def test_missing_dvc_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, status: int
) -> None:
    def exit_at_once(status: int) -> None:
        raise SystemExit(status)

    monkeypatch.setattr("threading.excepthook", lambda _: None)
    monkeypatch.setattr("os._exit", exit_at_once)
    monkeypatch.setitem(sys.modules, f"dvc_guard.{COMMANDS[name][0]}", None)
    with pytest.raises(SystemExit) as exit_info:
        main([name])
    assert exit_info.value.code == status
    assert capsys.readouterr().err.startswith(f"error: {name}: ModuleNotFoundError: ")


def test_restore_outside_project(empty_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore"]) == 1
    assert capsys.readouterr().err == "error: there is no .dvc here; run it in the root of a DVC project\n"


def test_plots_page_needs_no_network(project: Project) -> None:
    pytest.importorskip("vl_convert")
    project.write(".dvc/plots/page.html", "<html>{scripts}{plot_divs}</html>")
    assert main(["plots-page"]) == 0
    page = Path(".dvc/plots/offline.html").read_text()
    assert page.startswith("<html><script>(() => {")
    assert page.endswith("})();</script>{plot_divs}</html>")
    assert "vegaEmbed" in page


@pytest.mark.parametrize("page", [None, "<html></html>", "{scripts}"], ids=["missing", "no scripts", "no vl_convert"])
def test_plots_page_reports_errors(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], page: str | None
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    if page is not None:
        project.write(".dvc/plots/page.html", page)
    assert main(["plots-page"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(
        "error: vl-convert-python is not" if page == "{scripts}" else "error: .dvc/plots/page.html: "
    )
    assert error.count("\n") == 1
