"""Restore the workspace to the last commit of its branch, after a killed run, a rejected value, a full disk or damage.

Edits of code and documents stay. Changed parameters are printed as the options of dvc exp run that set them again;
recorded and queued experiments stay. Exit status: 0 restored, 1 not restored.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.repo import Repo
from scmrepo.exceptions import SCMError

from dvc_guard.errors import GuardError
from dvc_guard.restore import branch, data, locks, running, stash, tracked_files

# Each fixes one kind of damage, and yields a line for each thing that it found and did.
STEPS: tuple[Callable[[], Iterator[str]], ...] = (
    running.refuse,
    locks.remove_git_locks,
    branch.reattach_head,
    stash.recover_changes,
    branch.remove_refs_of_runs,
    locks.remove_dvc_locks,
    tracked_files.restore_parameters,
    tracked_files.restore_lock_and_metrics,
    data.remove_temporary_files,
    data.remove_damaged_objects,
    data.restore_outputs,
)


def main(name: str, arguments: Sequence[str]) -> int:
    """Run all steps in the current project and return the exit status."""
    parser = argparse.ArgumentParser(
        prog=f"dvc-guard {name}", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    if not Path(".dvc").is_dir():
        raise GuardError("there is no .dvc here; run it in the root of a DVC project")
    try:
        for step in STEPS:
            for line in step():
                print(line, flush=True)
        return report_status()
    except (GuardError, DvcException, SCMError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1


def report_status() -> int:
    """Print whether `dvc status` is clean; only files that the user has edited may differ."""
    with Repo() as repo:
        changed = repo.status()
    edited = tracked_files.list_edited()
    kept = f"; your edits stay: {', '.join(edited)}" if edited else ""
    if not changed:
        print(f"The workspace is at the last commit of {branch.get_name()}, and its outputs match dvc.lock{kept}")
        return 0
    if edited:
        print(f"The outputs match dvc.lock; these stages depend on your edits: {', '.join(changed)}{kept}")
        return 0
    print(f"error: dvc.lock does not match the commit: {', '.join(changed)}; run dvc repro", file=sys.stderr)
    return 1
