"""The commands that check a commit of a DVC project. Exit status: 0 passed, 1 failed, 2 error."""

import argparse
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from dvc.exceptions import DvcException
from scmrepo.exceptions import SCMError

from dvc_guard.checks import cache, fresh, gate, reproduce
from dvc_guard.checks.options import ALL, make_parser
from dvc_guard.checks.report import ERROR, FAILED, PASSED, Result, report
from dvc_guard.errors import GuardError, to_line
from dvc_guard.git import require_commit

COLORS = re.compile(r"\x1b\[[0-9;]*m")  # in DVC's messages
MAX_LENGTH = 1000
CHECKS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "fresh": lambda _: fresh.check(),
    "cache": lambda options: cache.check(repair=options.repair, strict=options.strict),
    "reproduce": lambda options: reproduce.check(options.set, dict(options.tolerance)),
    "gate": lambda options: gate.check(
        options.base, options.head, dict(options.allow), dict(options.direction), strict=options.strict
    ),
}


def main(name: str, arguments: Sequence[str]) -> int:
    """Run a check, or those of `all`, and return the exit status. FAILED has precedence over ERROR."""
    options = make_parser(name).parse_args(arguments)
    statuses = set()
    for check in ALL if name == "all" else [name]:
        result = run_check(check, options)
        try:
            report(result, as_json=options.json)
        except (OSError, ValueError, SystemExit) as error:  # ValueError: an encoding without the characters of a path
            reason = "broken pipe" if isinstance(error, SystemExit) else error  # rich exits with 1
            result = Result(check, ERROR, f"cannot write the result: {reason}")
            print(result.headline, file=sys.stderr)
        statuses.add(result.status)
    return next(status for status in (FAILED, ERROR, PASSED) if status in statuses)


def run_check(name: str, options: argparse.Namespace) -> Result:
    """Run one check. All exceptions, KeyboardInterrupt too, are returned as a result with the status ERROR."""
    try:
        with hide_dvc_messages():
            require_commit()
            return CHECKS[name](options)
    except KeyboardInterrupt:
        return Result(name, ERROR, "interrupted")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - they exit with 1, which means that the check failed
        expected = isinstance(error, GuardError | DvcException | SCMError | OSError)
        message = str(error) if expected else f"{type(error).__name__}: {error}"
        if isinstance(error, DvcException) and error.__cause__:
            message += f": {error.__cause__}"
        return Result(name, ERROR, to_line(" ".join(COLORS.sub("", message).split()), MAX_LENGTH))


@contextmanager
def hide_dvc_messages() -> Iterator[None]:
    """Keep stdout for the result: DVC logs to it, except warnings and errors."""
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
