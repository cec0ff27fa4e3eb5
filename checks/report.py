"""The one form in which every check tells its result: terminal, JSON, and the summary page of a GitHub workflow."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

HOLDS, FAILS, CANNOT_TELL = 0, 1, 2
WORDS = {HOLDS: "holds", FAILS: "does not hold", CANNOT_TELL: "could not tell"}
WIDTH_OF_LOGS = 120


@dataclass(frozen=True)
class Result:
    """What a check found: its exit status, one line on it, and a table of the details."""

    check: str
    status: int
    summary: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()

    @property
    def headline(self) -> str:
        """The check, whether it holds, and why."""
        return f"{self.check} {WORDS[self.status]}: {self.summary}"


def report(result: Result, *, as_json: bool) -> None:
    """Print a result, and append it to the page that $GITHUB_STEP_SUMMARY names, if it is set."""
    if as_json:
        print(to_json(result))
    elif result.status == CANNOT_TELL:
        make_console(stderr=True).print(result.headline, soft_wrap=True)
    else:
        print_table(result)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(to_markdown(result))


def to_json(result: Result) -> str:
    """Write a result as one line of JSON."""
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    fields = {"check": result.check, "status": result.status, "summary": result.summary}
    return json.dumps(fields | {"rows": rows, "notes": list(result.notes)})


def make_console(*, stderr: bool = False) -> Console:
    """Make a console that prints text as it is, and is wide enough where no terminal says how wide it is."""
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_LOGS
    return console


def print_table(result: Result) -> None:
    """Print the details as a table, then the headline and the notes."""
    console = make_console()
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
    """Write a result in GitHub's markdown."""
    lines = [f"### {escape(result.headline)}", ""]
    if result.rows:
        lines += [markdown_row(result.columns), markdown_row(["---"] * len(result.columns))]
        lines += [*map(markdown_row, result.rows), ""]
    lines += [line for note in result.notes for line in (escape(note), "")]
    return "\n".join(lines) + "\n"


def markdown_row(cells: Sequence[str]) -> str:
    """Write one row of a table."""
    return f"| {' | '.join(map(escape, cells))} |"


def escape(text: str) -> str:
    """Keep what may stand in a path or a message from being taken for markdown."""
    for character in "\\|<*_`":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.splitlines())
