"""Uncommitted changes that `dvc exp run` had stashed when it was killed, and the index.

DVC stashes them while it creates the commit of the experiment, and again overwrites them with HEAD for a moment, when
it checks that commit out.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from dvc_guard.git import get_git_path, get_root, git, read_object, try_git
from dvc_guard.restore import head, killed_run
from dvc_guard.restore.changes import Changes
from dvc_guard.restore.committed_files import check_out, list_blobs
from dvc_guard.run.workspace import EXPERIMENT

STASH_SECONDS = 3  # DVC stashes changes within this time after it has locked its stash


def recover_changes(changes: Changes, target: str, branch: str | None) -> Iterator[str]:
    """Recover the changes in DVC's stash and those that DVC overwrote; reset the index as DVC would have done.

    `branch` is the one that DVC detached HEAD from.
    """
    stashes = find_stashes(target)
    recovered, kept = [], []
    workspace = next((commit for commit, is_experiment in stashes if not is_experiment), None)
    if workspace:
        for path in list_changes(workspace):
            if is_as_in(path, target) or is_partly_written(path, workspace, target):
                recovered.append(check_out(changes, workspace, path))
            elif not is_as_in(path, workspace):
                kept.append(str(path))
    overwritten = find_overwritten(target)
    recovered += [check_out(changes, EXPERIMENT, path) for path in overwritten]
    if recovered:
        listed = ", ".join(sorted(map(str, recovered)))
        yield f"Recovered uncommitted changes that the killed dvc exp run had stashed: {listed}"
    if workspace or branch or head.is_index_of_run():
        tree = f"{workspace}^2" if workspace else target
        if names := reset_index(changes, tree):
            yield f"{'Staged' if workspace else 'Unstaged'} {', '.join(names)}"
    if kept:
        yield f"Kept your newer edits of {', '.join(kept)}; the older ones stay in git stash list"
    for _ in stashes if not kept else ():
        changes.drop_stash(0)


def find_stashes(target: str) -> list[tuple[str, bool]]:
    """List the entries of refs/stash that are DVC's, the last first: each commit, and whether it is an experiment's.

    The commit of an experiment is also in a ref of DVC. Another is DVC's only if a killed run had locked its stash: it
    is of that moment, of the last commit, and has the default message of libgit2, which ends in a line break.
    """
    refs = git("for-each-ref", "--format=%(objectname)", EXPERIMENT, *killed_run.STASHES).splitlines()
    began = killed_run.find_stash_time()
    found = []
    log = try_git("log", "--walk-reflogs", "--format=%H %ct %P%x09%s", "refs/stash") or ""
    for line in log.splitlines():
        commits, _, message = line.partition("\t")
        commit, seconds, *parents = commits.split()
        is_of_run = began is not None and 0 <= int(seconds) - int(began) <= STASH_SECONDS and parents[:1] == [target]
        if commit not in refs and not (is_of_run and (read_object("commit", commit) or b"").endswith(b"\n")):
            break
        is_experiment = commit in refs or message.startswith("dvc-exp:")
        found.append((commit, is_experiment))
        if not is_experiment:
            break
    return found


def list_changes(stash: str) -> list[Path]:
    """List the files that a stash changes."""
    changed = git("diff-tree", "-r", "--name-only", "--no-renames", "-z", f"{stash}^1", stash).split("\0")
    root = get_root()
    paths = [Path(os.path.relpath(root / name)) for name in changed if name]
    return [path for path in paths if not path.is_relative_to(".dvc/tmp")]


def find_overwritten(target: str) -> list[Path]:
    """List the files of the experiment that are as in HEAD, or partly written, since DVC wrote its ref."""
    began = killed_run.find_checkout_time(EXPERIMENT)
    return [
        path
        for path in (list_changes(EXPERIMENT) if began is not None else ())
        if not path.exists() or -1 <= path.stat().st_mtime - (began or 0) <= killed_run.CHECKOUT_SECONDS
        if is_as_in(path, target) or is_partly_written(path, EXPERIMENT, target)
    ]


def is_as_in(path: Path, commit: str) -> bool:
    """Return whether a file, or that there is none, is as in a commit."""
    blobs = list_blobs(commit, [path])
    return not blobs[path].differs() if path in blobs else not os.path.lexists(path)


def is_partly_written(path: Path, *commits: str) -> bool:
    """Return whether a file that is in all the commits is missing or truncated: DVC was killed while it wrote it."""
    content = path.read_bytes() if path.is_file() else b""
    blobs = [blob for commit in commits if (blob := read_object("blob", f"{commit}:./{path}")) is not None]
    return len(blobs) == len(commits) and any(len(content) < len(blob) and blob.startswith(content) for blob in blobs)


def reset_index(changes: Changes, tree: str) -> list[str]:
    """Reset the index to a commit, as DVC does at the end of a run; return what differed."""
    changed = (try_git("diff-index", "--cached", "--name-only", "-z", tree) or "").split("\0")[:-1]
    if changed and not changes.dry_run:
        changes.keep(get_git_path("index"))
        git("reset", "--quiet", tree, "--", ":/")
    return changed


def replace_damaged_index(changes: Changes, target: str) -> Iterator[str]:
    """Replace an index that Git cannot read."""
    if try_git("ls-files", "--cached") is None:
        changes.move(get_git_path("index"))
        if not changes.dry_run:
            git("reset", "--quiet", target, "--", ":/")
        yield "Recreated the index of Git, which was damaged"
