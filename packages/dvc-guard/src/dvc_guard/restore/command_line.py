"""Restore the workspace to the last commit of its branch, after a killed run, a rejected value, a full disk or damage.

Edits of code and documents stay. Changed parameters are printed as the options of dvc exp run that set them again;
recorded and queued experiments stay. What restore changes is saved first. Exit status: 0 restored, 1 not restored.
"""

import argparse
import errno
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from dvc.dvcfile import PROJECT_FILE
from dvc.exceptions import DvcException
from dvc.repo import Repo
from scmrepo.exceptions import SCMError

from dvc_guard.errors import GuardError, to_line
from dvc_guard.git import git, require_commit
from dvc_guard.project import Project, open_project
from dvc_guard.restore import applied, cache, head, locks, outputs, stash, tracked_files
from dvc_guard.restore.changes import REFS, Changes
from dvc_guard.restore.refuse import refuse
from dvc_guard.restore.undo import SUFFIX, undo
from dvc_guard.run.resume import has_saved

MAX_LENGTH = 1000


def main(name: str, arguments: Sequence[str]) -> int:
    """Restore the current project, or undo that, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog=f"dvc-guard {name}", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
    group.add_argument("--undo", action="store_true", help="bring back what the last restore has changed")
    options = parser.parse_args(arguments)
    if not Path(".dvc").is_dir():
        raise GuardError("there is no .dvc here; run it in the root of a DVC project")
    require_commit()
    if not os.access(".dvc/tmp" if Path(".dvc/tmp").is_dir() else ".dvc", os.W_OK):
        raise GuardError(
            f"{Path.cwd() / '.dvc'} cannot be written: its disk is read-only, or it belongs to another user"
        )
    changes = Changes(dry_run=options.dry_run, suffix=SUFFIX if options.undo else "")
    try:
        try:
            refuse()
            for line in undo(changes) if options.undo else restore(changes):
                say(line)
        finally:
            if changes.have_begun:
                saved = f"What was there before is saved in {changes.folder} and {REFS}/{changes.name}"
                say(saved if options.undo else f"{saved}; to bring it back: dvc-guard {name} --undo")
        try:
            if not options.undo:
                report_status(changes)
        finally:
            changes.finish()  # at the end: what a kill leaves until here is undone together with the next restore
    except (GuardError, DvcException, SCMError, OSError) as error:
        raise GuardError(to_line(" ".join(describe(error).split()), MAX_LENGTH)) from error
    return 0


def restore(changes: Changes) -> Iterator[str]:
    """Fix one kind of damage after the other; yield a line for each thing that was found and done.

    DVC's refs and locks are removed when all that they tell is done, so that a killed restore can be repeated.
    """
    branch = head.find_detached_branch()
    target = git("rev-parse", f"refs/heads/{branch}" if branch else "HEAD")
    yield from locks.remove_git_locks(changes)
    yield from stash.replace_damaged_index(changes, target)
    yield from stash.recover_changes(changes, target, branch)
    yield from head.attach_head(changes, branch)
    yield from head.remove_refs_of_runs(changes)
    yield from locks.remove_dvc_locks(changes)
    with open_project(target) as repo:
        require_pipeline(repo)
        yield from tracked_files.restore_tracked_files(changes, repo, target)
        yield from outputs.remove_temporary_files(changes, repo)
        yield from cache.restore_cache(changes, repo)
        yield from outputs.restore_outputs(changes, repo)
    yield from applied.report_overwritten()
    if has_saved(Path.cwd()):
        yield "A stage that was killed has saved its progress; to resume it, repeat its command"


def require_pipeline(repo: Repo) -> None:
    """Raise GuardError, with what to do, if DVC cannot read the stages of the last commit."""
    try:
        list(repo.index.outs)
    except DvcException as error:
        advice = "fix it and commit, or revert that commit; then restore again"
        raise GuardError(f"dvc.yaml of the last commit cannot be read: {advice} ({error})") from None


def say(line: str) -> None:
    """Print a line. Nothing stops a restore half-way: not a closed pipe, nor a name that cannot be printed."""
    try:
        print("".join(char if char.isprintable() else ascii(char)[1:-1] for char in line), flush=True)
    except UnicodeEncodeError:
        print(ascii(line)[1:-1], flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def describe(error: Exception) -> str:
    """Describe an error, and what to do."""
    if isinstance(error, OSError) and error.strerror:
        advice = "; free space, and run restore again" if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""
        return f"{error.filename or 'writing'}: {error.strerror}{advice}"
    cause = f": {error.__cause__}" if isinstance(error, DvcException) and error.__cause__ else ""
    return f"{error}{cause}"


def report_status(changes: Changes) -> None:
    """Print whether `dvc status` is clean; only files that the user has edited may differ.

    Raises:
        GuardError: something else differs, or DVC cannot read what the user has edited.
    """
    if changes.dry_run:
        say("Nothing was changed: this is what dvc-guard restore would do")
        return
    edited = tracked_files.list_edited()
    try:
        with Project() as repo:
            changed = repo.status()
    except DvcException as error:
        broken = [path for path in edited if Path(path).name == PROJECT_FILE] or [f"the pipeline beside {edited}"]
        advice = f"fix it, or bring back the committed one: git restore {broken[0]}"
        raise GuardError(f"{broken[0]} cannot be read: {advice} ({error})") from None
    data = [name for name in changed if name.endswith(".dvc")]  # of dvc add, which is the user's own
    edited += [name.removesuffix(".dvc") for name in data]
    changed = {name: change for name, change in changed.items() if name not in data}
    kept = f"; your edits stay: {', '.join(edited)}" if edited else ""
    if not changed:
        say(f"The workspace is at the last commit of {head.get_name()}, and its outputs match dvc.lock{kept}")
    elif edited:
        say(f"The outputs match dvc.lock; these stages depend on your edits: {', '.join(changed)}{kept}")
    else:
        raise GuardError(f"dvc.lock does not match the commit: {', '.join(changed)}; run dvc repro")
