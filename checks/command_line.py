"""Check a commit of a DVC project. Exit status: 0 passed, 1 failed, 2 error."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from dvc.exceptions import DvcException
from scmrepo.exceptions import SCMError

from . import cache, fresh, gate, reproduce
from .project import CheckError
from .report import COMMAND, ERROR, FAILED, PASSED, Result, report

CHECKS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "fresh": lambda _: fresh.check(),
    "cache": lambda options: cache.check(repair=options.repair, strict=options.strict),
    "reproduce": lambda options: reproduce.check(options.set, dict(options.tolerance)),
    "gate": lambda options: gate.check(options.base, options.head, dict(options.allow), dict(options.direction)),
}
ALL = ("fresh", "cache", "reproduce")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks named on the command line and return the exit status. FAILED has precedence over ERROR."""
    options = make_parser().parse_args(arguments)
    statuses = set()
    for name in ALL if options.name == "all" else [options.name]:
        result = run_check(name, options)
        try:
            report(result, as_json=options.json)
        except (OSError, ValueError) as error:  # ValueError: an encoding without the characters of a path
            result = Result(name, ERROR, f"cannot write the result: {error}")
            print(result.headline, file=sys.stderr)
        statuses.add(result.status)
    return next(status for status in (FAILED, ERROR, PASSED) if status in statuses)


def run_check(name: str, options: argparse.Namespace) -> Result:
    """Run one check. All exceptions, KeyboardInterrupt too, are returned as a result with the status ERROR."""
    try:
        return CHECKS[name](options)
    except KeyboardInterrupt:
        return Result(name, ERROR, "interrupted")
    except Exception as error:  # noqa: BLE001 - a traceback exits with 1, which means that the check failed
        expected = isinstance(error, CheckError | DvcException | SCMError | OSError)
        message = str(error) if expected else f"{type(error).__name__}: {error}"
        if isinstance(error, DvcException) and error.__cause__:
            message += f": {error.__cause__}"
        return Result(name, ERROR, " ".join(message.split()))


class Parser(argparse.ArgumentParser):
    """A parser that prints errors in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Print the message to stderr and exit with 2."""
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def make_parser() -> Parser:
    """Create the parser with a subcommand for each check and for `all`."""
    parser = Parser(prog=COMMAND, description=__doc__.partition("\n")[0])
    common = Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one line of JSON for each check")
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")

    def add(name: str, text: str) -> Parser:
        return names.add_parser(name, help=text, description=text, parents=[common])

    everything = add("all", f"run {', '.join(ALL)}")
    everything.set_defaults(repair=False, strict=False, set=[], tolerance=[])
    add("fresh", "compare HEAD's dvc.lock with the code, parameters and dvc.yaml of HEAD")
    add_cache_options(add("cache", "verify the hash of every object and entry of the DVC cache"))
    add_reproduce_options(add("reproduce", "run HEAD's pipeline in a clone and compare the outputs with dvc.lock"))
    add_gate_options(add("gate", "fail if a metric is worse than at another commit"))
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
        f"the direction in which a metric is better: {', '.join(gate.DIRECTIONS)} (default: lower for names that match "
        f"{gate.LOWER_IS_BETTER.pattern}, higher for other metrics)"
    )
    add = parser.add_argument
    add("--base", metavar="REV", required=True, help="the commit to compare with")
    add("--head", metavar="REV", default="workspace", help="the commit to check (default: %(default)s)")
    add("--allow", metavar="METRIC=X", type=parse_tolerance, action="append", default=[], help=allow)
    add("--direction", metavar="METRIC=DIRECTION", type=parse_direction, action="append", default=[], help=direction)


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
