"""Options of the command line."""

import argparse
import os
import re
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dvc_search.allowed import NAME, parse_duration

LOCAL = "local"
RANGE = re.compile(r"([^:,\[]+):([^:,]+)(?::([^:,]+))?")
NEEDED = "it must be KEY=VALUE, KEY=VALUE,VALUE or KEY=LOW:HIGH, with :log or :STEP at its end if needed"
DESCRIPTION = """Search over parameters: run trials on this machine or on a Dask cluster, each as an experiment of DVC.

search.yaml says what is searched for. The same command resumes a search that has ended early, and adds trials with a
higher --trials. `dvc-search log NAME-3` shows what a trial has printed.

Exit status: 0 all trials have ended and one is complete, 1 error, 2 wrong usage, 130 interrupted."""


def make_parser() -> argparse.ArgumentParser:
    """Create the parser."""
    parser = argparse.ArgumentParser(
        prog="dvc-search", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--name", type=_name, help="name of the search, instead of that in search.yaml")
    add("--trials", type=_positive, help="number of trials, instead of that in search.yaml")
    add("--timeout", type=_duration, metavar="TIME", help="start no trial after that time, such as 2h or 90m")
    space = "values of a parameter, instead of those in search.yaml: lr=0.001:0.1:log, epochs=5:20:5, momentum=0,0.9"
    add(
        "-S",
        "--set-param",
        dest="space",
        type=parse_override,
        action="append",
        default=[],
        metavar="KEY=VALUES",
        help=space,
    )
    add("--on", default=LOCAL, metavar="ADDRESS", help="a Dask scheduler, or local (default)")
    jobs = "number of trials at once with --on local (default: number of cores)"
    add("--jobs", type=_positive, default=os.cpu_count() or 1, help=jobs)
    add("--file", type=Path, default=Path("search.yaml"), help="default: search.yaml")
    add("--storage", metavar="URL", help="database of Optuna (default: SQLite in .dvc/tmp/search)")
    patience = "how long a trial waits for a remote that does not answer (default: 600)"
    add("--patience", type=float, default=600.0, metavar="SECONDS", help=patience)
    return parser


def parse_override(text: str) -> tuple[str, object]:
    """Return key and content of `space` for KEY=VALUES.

    Raises:
        argparse.ArgumentTypeError: the text is not allowed.
    """
    key, _, values = text.partition("=")
    try:
        if key:
            return key, _parse_values(values.strip())
    except (YAMLError, ValueError):
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not allowed; {NEEDED}")


def _parse_values(text: str) -> object:
    """Parse what follows KEY=, whose values are those of YAML."""
    if (match := RANGE.fullmatch(text)) and all(isinstance(_load(end), int | float) for end in match.groups()[:2]):
        low, high, last = match.groups()
        added = {} if last is None else {"log": True} if last == "log" else {"step": _load(last)}
        return {"low": _load(low), "high": _load(high)} | added
    values: list[Any] = _load(f"[{text}]")
    if not values:
        raise ValueError(text)
    return values[0] if len(values) == 1 and not isinstance(values[0], list) else values


def _load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(StringIO(text))


def _name(text: str) -> str:
    if not re.fullmatch(NAME, text):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; it must be letters, digits, - and _")
    return text


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; it must be an integer of 1 or more")
    return int(text)


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
