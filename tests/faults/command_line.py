"""Inject faults into runs of the pipeline, apply the fixes in the README, and compare with an undisturbed run.

Run: python -m tests.faults                       (all faults, each with its default number of tries)
     python -m tests.faults --tries 10 kill_repro  (ten tries of one fault)

Prints how often each fault was tried and survived; the exit status is 1 if any was not survived.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.clone import run_on_digits
from tests.faults import damage, full_disk, kills, races, readers
from tests.faults.scene import Fault, Scene, try_fault

FAULTS: dict[str, Fault] = kills.FAULTS | races.FAULTS | damage.FAULTS | full_disk.FAULTS | readers.FAULTS


def main() -> int:
    """Try the requested faults."""
    arguments = read_arguments()
    table = Table("fault", "tried", "survived")
    all_survived = True
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder), run_on_digits(Path(folder) / "run"))
        for name in arguments.names or FAULTS:
            fault = FAULTS[name]
            tries = arguments.tries or fault.tries
            survived = sum(survives(scene, fault, f"{name} {arguments.seed} {number}") for number in range(tries))
            table.add_row(fault.description, str(tries), str(survived))
            all_survived &= survived == tries
    Console().print(table)
    return 0 if all_survived else 1


def read_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*FAULTS, []], metavar="NAME", help=", ".join(FAULTS))
    parser.add_argument("--tries", type=int, help="number of tries of each fault")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments and files")
    return parser.parse_args()


def survives(scene: Scene, fault: Fault, seed: str) -> bool:
    """Try a fault once; print the seed if it was not survived."""
    try:
        try_fault(fault, scene, scene.folder, seed)
    except (AssertionError, pytest.fail.Exception) as error:
        print(f"{seed}: {error}", file=sys.stderr)
        return False
    return True
