"""Inject faults into runs of the pipeline, restore the workspace, and compare it with an undisturbed run.

Run: python -m tests.faults                       (all faults, each with its default number of tries)
     python -m tests.faults --tries 10 kill_repro  (ten tries of one fault)

Prints how often each fault was tried and survived; the exit status is 1 if any was not survived.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.clone import run_on_digits
from tests.faults import damage, full_disk, kills, kills_of_experiments, kills_of_training, races
from tests.faults.scene import Fault, Scene, try_fault

MODULES = (kills, kills_of_experiments, kills_of_training, races, damage, full_disk)
FAULTS: dict[str, Fault] = {name: fault for module in MODULES for name, fault in module.FAULTS.items()}


def main() -> int:
    """Try the requested faults."""
    arguments = read_arguments()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it, and so would dvc
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*FAULTS, []], metavar="NAME", help=", ".join(FAULTS))
    parser.add_argument("--tries", type=int, help="number of tries of each fault")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments and files")
    return parser.parse_args()


def survives(scene: Scene, fault: Fault, seed: str) -> bool:
    """Try a fault once, and print the seed, and why it was not survived."""
    try:
        try_fault(fault, scene, scene.folder, seed)
    except (AssertionError, pytest.fail.Exception) as error:
        print(f"{seed}: {error}", file=sys.stderr)
        return False
    print(f"{seed}: survived", file=sys.stderr)
    return True
