"""Run a function as a DVC stage: `run` at the end of each stage's __main__.py."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from runtime.errors import StageError
from runtime.inputs import Inputs
from runtime.parameters import AnyParameters, read_parameters
from runtime.pipeline import read_stage
from runtime.process import end_with_dvc
from runtime.versions import check_versions
from runtime.workspace import lock_workspace
from runtime.yaml_file import to_line

MAX_LINES = 20  # of all errors
MAX_LENGTH = 2000  # of a line; those of parameters have at most 300


def run(name: str, main: Callable[[AnyParameters], None], kind: type[AnyParameters]) -> None:
    """Call `main` with the parameters of class `kind`, as the stage `name` of dvc.yaml.

    The exit status is not 0, and so DVC records nothing, if an error can be corrected by the user (printed without a
    traceback), or if code, data or parameters that DVC is about to record have changed since the stage began.
    """
    description = sys.modules[main.__module__].__doc__
    parser = argparse.ArgumentParser(
        prog=f"python -m stages.{name}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    with errors_in_lines():
        dvc = end_with_dvc()
        if dvc is not None:
            lock_workspace(dvc)
        stage = read_stage(name)
        check_versions(stage)
        inputs = Inputs(stage)
        main(read_parameters(kind))
        inputs.confirm_unchanged()


@contextmanager
def errors_in_lines() -> Iterator[None]:
    """Print errors that a user can correct as lines on standard error, and exit."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # in a log as on a terminal
    try:
        yield
    except StageError as error:
        _exit(str(error), error.status)
    except FileNotFoundError as error:
        _exit(f"{error.filename or error}: no such file; run dvc repro, which creates what is missing")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _exit(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        _exit("interrupted")


def _exit(text: str, status: int = 1) -> NoReturn:
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        lines[MAX_LINES - 1 :] = [f"{len(lines) - MAX_LINES + 1} more errors"]
    print("\n".join(to_line(f"error: {line}", MAX_LENGTH) for line in lines), file=sys.stderr)
    sys.exit(status)
