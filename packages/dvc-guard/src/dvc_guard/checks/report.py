"""Report a check result in the terminal, as JSON, and in the job summary of a GitHub Actions workflow."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from dvc_guard.commit_files import OutsideError
from dvc_guard.errors import GuardError

PASSED, FAILED, ERROR = 0, 1, 2
STATUS_NAMES = {PASSED: "passed", FAILED: "failed", ERROR: "error"}
LOG_WIDTH = 120


class Finding(NamedTuple):
    """A difference (FAILED), something that was not compared (PASSED), or for which `target` must be pulled (ERROR)."""

    text: str
    status: int = FAILED
    target: str = ""


def make_not_compared(label: str, error: GuardError) -> Finding:
    """Describe why a file was not compared: a note if it is outside the repository."""
    status = PASSED if isinstance(error, OutsideError) else ERROR
    return Finding(f"{label}: not compared, because {error}", status, getattr(error, "target", ""))


@dataclass(frozen=True)
class Result:
    """The result of one check. `status` is the exit status; `rows` is a table with one cell for each of `columns`."""

    check: str
    status: int
    summary: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()

    @property
    def headline(self) -> str:
        """For example `fresh passed: dvc.lock matches HEAD for each of 5 stages`."""
        return f"{self.check} {STATUS_NAMES[self.status]}: {self.summary}"


def report(result: Result, *, as_json: bool) -> None:
    """Print a result, and append it to the file in $GITHUB_STEP_SUMMARY if that is set. Errors go to stderr."""
    if as_json:
        print(to_json(result))
    else:
        print_table(result)
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(to_markdown(result))


def to_json(result: Result) -> str:
    """Convert a result to one line of JSON. Each row becomes an object with the column names as keys."""
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    fields = {"check": result.check, "status": result.status, "summary": result.summary}
    return json.dumps(fields | {"rows": rows, "notes": list(result.notes)})


def make_console(*, stderr: bool = False) -> Console:
    """Create a console without markup and emoji codes. Its width is `LOG_WIDTH` if the output is not a terminal."""
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = LOG_WIDTH
    return console


def print_table(result: Result) -> None:
    """Print the rows as a table, followed by the headline and the notes. Errors go to stderr."""
    console = make_console(stderr=result.status == ERROR)
    if result.rows:
        table = Table()
        for column in result.columns:
            table.add_column(column, overflow="fold")
        for row in result.rows:
            table.add_row(*row)
        console.print(table)
    for line in (result.headline, *result.notes):
        console.print(line, soft_wrap=True)


def to_markdown(result: Result) -> str:
    """Convert a result to GitHub Flavored Markdown: a heading, a table and a paragraph for each note."""
    lines = [f"### {escape_markdown(result.headline)}", ""]
    if result.rows:
        lines += [to_markdown_row(result.columns), to_markdown_row(["---"] * len(result.columns))]
        lines += [*map(to_markdown_row, result.rows), ""]
    lines += [line for note in result.notes for line in (escape_markdown(note), "")]
    return "\n".join(lines) + "\n"


def to_markdown_row(cells: Sequence[str]) -> str:
    """Convert cells to one row of a Markdown table, escaped."""
    return f"| {' | '.join(map(escape_markdown, cells))} |"


def escape_markdown(text: str) -> str:
    """Escape the Markdown characters that paths and messages may contain, and join lines with spaces."""
    for character in "\\|<*_`":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.splitlines())
