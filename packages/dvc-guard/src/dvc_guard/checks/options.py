"""The options of the command line."""

import argparse
import math
from typing import NoReturn

from dvc_guard.checks import gate
from dvc_guard.cli import COMMANDS

STATUSES = "Exit status: 0 passed, 1 failed, 2 error."
ALL = ("fresh", "cache", "reproduce")


class Parser(argparse.ArgumentParser):
    """A parser that prints errors in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Print the message to stderr and exit with 2."""
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def make_parser(name: str) -> Parser:
    """Create the parser of a check, or of `all`, which has the defaults of the others' options."""
    parser = Parser(prog=f"dvc-guard {name}", description=f"{COMMANDS[name][1]}. {STATUSES}")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each check")
    if name == "all":
        parser.set_defaults(repair=False, strict=False, set=[], tolerance=[])
    elif name in ADD_OPTIONS:
        ADD_OPTIONS[name](parser)
    return parser


def add_cache_options(parser: Parser) -> None:
    """Add the options of `cache`."""
    repair = "remove damaged objects and the workspace files with the same content"
    parser.add_argument("--repair", action="store_true", help=repair)
    strict = "exit with 2 if an object that HEAD uses is missing from the cache"
    parser.add_argument("--strict", action="store_true", help=strict)


def add_reproduce_options(parser: Parser) -> None:
    """Add the options of `reproduce`. Each of them may be repeated."""
    tolerance = (
        "compare only metrics; X is the maximum absolute difference of all metrics, or with %(metavar)s of one metric "
        "(default: 0)"
    )
    add = parser.add_argument
    add("--set", metavar="KEY=VALUE", action="append", default=[], help="change params.yaml; compare only metrics")
    add("--tolerance", metavar="METRIC=X", type=parse_tolerance, action="append", default=[], help=tolerance)


def add_gate_options(parser: Parser) -> None:
    """Add the options of `gate`. `--allow` and `--direction` may be repeated."""
    allow = "X is how much worse all metrics may be, or with %(metavar)s one metric (default: 0)"
    direction = (
        f"the direction in which a metric is better: {', '.join(gate.DIRECTIONS)} (default: lower for names with words "
        f"such as loss, error, time and size, higher for others)"
    )
    add = parser.add_argument
    add("--base", metavar="REV", required=True, help="the commit to compare with")
    add("--head", metavar="REV", default="workspace", help="the commit to check (default: %(default)s)")
    add("--allow", metavar="METRIC=X", type=parse_tolerance, action="append", default=[], help=allow)
    add("--direction", metavar="METRIC=DIRECTION", type=parse_direction, action="append", default=[], help=direction)
    add("--strict", action="store_true", help="exit with 2 if REV of --base has no metrics")


ADD_OPTIONS = {"cache": add_cache_options, "reproduce": add_reproduce_options, "gate": add_gate_options}


def parse_tolerance(text: str) -> tuple[str, float]:
    """Parse `METRIC=X` to a metric name and a number; the name is "" if the text is only `X`.

    Raises:
        argparse.ArgumentTypeError: X is not a finite number, or negative.
    """
    name, _, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: must be X or METRIC=X, where X is a finite number >= 0")
    return name, value


def parse_direction(text: str) -> tuple[str, str]:
    """Parse `METRIC=DIRECTION` to a metric name and a direction.

    Raises:
        argparse.ArgumentTypeError: There is no metric name, or the direction is not one of `gate.DIRECTIONS`.
    """
    name, _, direction = text.rpartition("=")
    if not name or direction not in gate.DIRECTIONS:
        allowed = ", ".join(gate.DIRECTIONS)
        raise argparse.ArgumentTypeError(f"{text}: must be METRIC=DIRECTION, where DIRECTION is one of {allowed}")
    return name, direction
