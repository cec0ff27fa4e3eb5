"""Break runs of the pipeline in every way there is, mend them as the README says, and compare with an undisturbed run.

Run: python -m tests.faults                       (all, each as often as its module says)
     python -m tests.faults --tries 10 kill_repro  (one of them, ten times)

Prints how often each was tried and survived; the exit status is 1 if any was not.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.faults import damage, full_disk, kills, races, readers
from tests.faults.scene import Fault, Scene, try_in_time

FAULTS: dict[str, Fault] = kills.FAULTS | races.FAULTS | damage.FAULTS | full_disk.FAULTS | readers.FAULTS


def main() -> int:
    """Try the faults that were asked for."""
    arguments = read_arguments()
    table = Table("fault", "tried", "survived")
    all_survived = True
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        for name in arguments.names or FAULTS:
            fault = FAULTS[name]
            tries = arguments.tries or fault.tries
            survived = sum(survives(scene, fault, f"{name} {arguments.seed} {number}") for number in range(tries))
            table.add_row(fault.what, str(tries), str(survived))
            all_survived &= survived == tries
    Console().print(table)
    return 0 if all_survived else 1


def read_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*FAULTS, []], metavar="NAME", help=", ".join(FAULTS))
    parser.add_argument("--tries", type=int, help="how often to try each")
    parser.add_argument("--seed", type=int, default=0, help="draws the moments and the places")
    return parser.parse_args()


def survives(scene: Scene, fault: Fault, seed: str) -> bool:
    """Try a fault once."""
    try:
        try_in_time(fault, scene, scene.folder, seed)
    except (AssertionError, pytest.fail.Exception) as error:
        print(f"{seed}: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
