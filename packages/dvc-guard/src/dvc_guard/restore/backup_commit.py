"""The commit of a backup: the tracked and untracked files, made without a change of the index or of any ref."""

import shutil
from pathlib import Path

from dvc_guard.git import get_git_path, git, try_git

IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "dvc-guard"), ("EMAIL", "dvc-guard@localhost"))
}


def commit_working_tree(folder: Path) -> str:
    """Commit the index, then the tracked and untracked files, through a copy of the index in a folder."""
    index = get_git_path("index")
    environment = {**IDENTITY, "GIT_INDEX_FILE": str((folder / "index").absolute())}
    if index.exists():
        shutil.copy2(index, folder / "index.original")
        shutil.copy2(index, folder / "index")
    if index.exists() and try_git("ls-files", "--cached") is None:  # damaged
        (folder / "index").unlink()
    message = f"dvc-guard {folder.name}"
    lost = ("refs/stash", "refs/exps/exec", "refs/exps/stash", "refs/exps/temp")
    head = git("rev-parse", "HEAD")
    tree = git("write-tree", "--missing-ok", environment=environment)
    parents = [head, git("commit-tree", tree, "-p", head, "-m", f"{message}: index", environment=environment)]
    parents += git("for-each-ref", "--format=%(objectname)", *lost).splitlines()
    parents += (try_git("log", "--walk-reflogs", "--format=%H", "refs/stash") or "").splitlines()
    # A file that cannot be read is left out, and does not matter: what restore changes is moved, too.
    add = ("-c", "core.compression=0", "add", "--all", "--ignore-errors", ":/")
    try_git(*add, environment=environment)
    tree = git("write-tree", "--missing-ok", environment=environment)
    options = [option for parent in dict.fromkeys(parents) for option in ("-p", parent)]
    return git("commit-tree", tree, *options, "-m", f"{message}: tracked and untracked files", environment=environment)
