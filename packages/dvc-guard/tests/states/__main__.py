"""Try all states with all faults, or all runs of guarded stages, or kill restore itself; each takes minutes.

Run in packages/dvc-guard/tests:

     python -m states [--only TEXT]   (the states whose name contains a text)
     python -m states --runs          (refuse and kill dvc repro and dvc exp run in each state)
     python -m states --kills 40      (kill restore, its undo, and dvc exp run, at so many random moments)

Prints what fails, and how many; the exit status is 1 if anything does.
"""

import argparse
import faulthandler
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest

from states.faults import FAULTS
from states.guarded import COMMANDS, ENDS, REACHED, try_run
from states.kills import try_kill, try_kill_of_experiment
from states.table import copy, try_state
from states.template import isolate, make_template
from states.user_states import STATES

CASE_SECONDS = 300  # pygit2 waits forever for what it cannot read


def main() -> int:
    """Try all cases, and print those that fail and how many there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only states whose name contains this text")
    parser.add_argument("--part", default="1/1", help="for example 2/3: the second third of the cases")
    parser.add_argument("--kills", type=int, default=0, help="kill restore, its undo and dvc exp run so often instead")
    parser.add_argument("--runs", action="store_true", help="refuse and kill runs of guarded stages instead")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    parser.add_argument("--verbose", action="store_true", help="print what restore prints")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    if options.kills:
        listed = list_kills(options.kills, options.seed)
    else:
        listed = list_runs(options.only) if options.runs else list_cases(options.only)
    cases = dict(list(listed.items())[part - 1 :: parts])
    failed, reached, began = 0, 0, time.process_time()
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        isolate(patch, folder)
        template = make_template(folder / "template")
        for number, (title, try_case) in enumerate(cases.items()):
            copy(template, folder / f"{number}/case")
            faulthandler.dump_traceback_later(CASE_SECONDS, exit=True)
            try:
                output = try_case()
                reached += output.startswith(REACHED)
                if options.verbose:
                    print(f"{title}: {output}\n")
            except Exception as error:  # noqa: BLE001 - each is a result
                failed += 1
                print(f"FAILED {title}: {type(error).__name__}: {error}\n", flush=True)
    if options.runs:
        print(f"the stage ran in {reached} of the runs; in the others, dvc ended before")
    print(f"{len(cases)} cases, {failed} failed; {time.process_time() - began:.0f} s of processor time")
    return 1 if failed else 0


def list_cases(text: str) -> dict[str, Callable[[], str]]:
    """List each state whose name contains a text, before and after each fault."""
    cases: dict[str, Callable[[], str]] = {}
    for state in (state for state in STATES if text in state):
        for fault in FAULTS:
            cases[f"{state}, {fault}"] = partial(try_state, state, fault)
            if "killed" in fault:
                cases[f"{fault}, then {state}"] = partial(try_state, state, fault, late=True)
    return cases


def list_runs(text: str) -> dict[str, Callable[[], str]]:
    """List each state whose name contains a text, with each run behind the guard."""
    return {
        f"{state}, {command} {end}": partial(try_run, state, command, end)
        for state in STATES
        if text in state
        for command in COMMANDS
        for end in ENDS
    }


def list_kills(number: int, seed: int) -> dict[str, Callable[[], str]]:
    """List kills of restore, of its undo, and of dvc exp run."""
    kinds: dict[str, Callable[[Random], str]] = {
        "restore": try_kill,
        "restore --undo": partial(try_kill, option="--undo"),
        "dvc exp run": try_kill_of_experiment,
    }
    return {
        f"kill {kill} of {kind}": partial(try_case, Random(f"{seed} {kill}"))  # noqa: S311
        for kind, try_case in kinds.items()
        for kill in range(number)
    }


if __name__ == "__main__":
    sys.exit(main())
