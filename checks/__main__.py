"""Check what continuous integration asks of a commit. Exit status: 0 it holds, 1 it does not, 2 could not tell.

Run: python -m checks NAME
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from dvc.exceptions import DvcException
from scmrepo.exceptions import SCMError

from checks import cache, fresh, gate, reproduce
from checks.project import CannotTellError
from checks.report import CANNOT_TELL, FAILS, HOLDS, Result, report

CHECKS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "fresh": lambda _: fresh.check(),
    "cache": lambda options: cache.check(repair=options.repair),
    "reproduce": lambda options: reproduce.check(options.set, dict(options.tolerance)),
    "gate": lambda options: gate.check(options.base, options.head, dict(options.allow), dict(options.direction)),
}
ALL = ("fresh", "cache", "reproduce")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks that the command line names. Returns the exit status."""
    options = make_parser().parse_args(arguments)
    statuses = set()
    for name in ALL if options.name == "all" else [options.name]:
        result = run(name, options)
        try:
            report(result, as_json=options.json)
        except OSError as error:
            result = Result(name, CANNOT_TELL, f"the result cannot be written: {error}")
            print(result.headline, file=sys.stderr)
        statuses.add(result.status)
    return next(status for status in (FAILS, CANNOT_TELL, HOLDS) if status in statuses)


def run(name: str, options: argparse.Namespace) -> Result:
    """Run a check. What keeps it from an answer is its result."""
    try:
        return CHECKS[name](options)
    except (CannotTellError, DvcException, SCMError, OSError) as error:
        return Result(name, CANNOT_TELL, " ".join(str(error).split()))
    except KeyboardInterrupt:
        return Result(name, CANNOT_TELL, "interrupted")


class Parser(argparse.ArgumentParser):
    """A parser that tells a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with 2."""
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def make_parser() -> Parser:
    """Describe the command line."""
    parser = Parser(prog="python -m checks", description=__doc__.partition("\n")[0])
    common = Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one line of JSON for each check")
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")

    def add(name: str, text: str) -> Parser:
        return names.add_parser(name, help=text, description=text, parents=[common])

    everything = add("all", f"{', '.join(ALL)}: all that needs no other commit")
    everything.set_defaults(repair=False, set=[], tolerance=[])
    add("fresh", "is HEAD's dvc.lock what HEAD's code, parameters and dvc.yaml say?")
    damage = add("cache", "is every object of DVC's cache that HEAD names what its name says?")
    damage.add_argument(
        "--repair", action="store_true", help="remove damaged objects, and their copies in the workspace"
    )
    add_reproduce_options(add("reproduce", "does HEAD's pipeline, run aside, give HEAD's outputs again, bit for bit?"))
    add_gate_options(add("gate", "is no metric worse than at another commit?"))
    return parser


def add_reproduce_options(parser: Parser) -> None:
    """Describe what `reproduce` is told."""
    numerics = "numerics={}".format
    tolerance = (
        "compare metrics alone, by this absolute difference, %(metavar)s of one metric or X of all; "
        f"{reproduce.TOLERANCE} where none is given: {reproduce.TOLERANCE_IS}"
    )
    add = parser.add_argument
    add("--set", metavar="KEY=VALUE", action="append", default=[], help="change params.yaml; compare metrics alone")
    add(
        "--numerics", metavar="VALUE", dest="set", type=numerics, action="append", help="short for --set numerics=VALUE"
    )
    add("--tolerance", metavar="METRIC=X", type=amount, action="append", default=[], help=tolerance)


def add_gate_options(parser: Parser) -> None:
    """Describe what `gate` is told."""
    allow = "how much worse a metric may be, %(metavar)s for one metric or X for all; 0 where none is given"
    direction = (
        f"which way a metric is better: {', '.join(gate.DIRECTIONS)}; where none is given lower for names with "
        f"{gate.LOWER_IS_BETTER.pattern}, higher for all others"
    )
    add = parser.add_argument
    add("--base", metavar="REV", required=True, help="the commit to compare with")
    add("--head", metavar="REV", default="workspace", help="the commit to judge; the workspace where none is given")
    add("--allow", metavar="METRIC=X", type=amount, action="append", default=[], help=allow)
    add("--direction", metavar="METRIC=WAY", type=way, action="append", default=[], help=direction)


def amount(text: str) -> tuple[str, float]:
    """Read `accuracy=0.01`, or `0.01`, which is for all metrics: their name is empty."""
    name, _, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: must be X or METRIC=X, X a number from 0 on")
    return name, value


def way(text: str) -> tuple[str, str]:
    """Read `accuracy=higher`."""
    name, _, direction = text.rpartition("=")
    if not name or direction not in gate.DIRECTIONS:
        raise argparse.ArgumentTypeError(f"{text}: must be METRIC=WAY, WAY one of {', '.join(gate.DIRECTIONS)}")
    return name, direction


if __name__ == "__main__":
    sys.exit(main())
