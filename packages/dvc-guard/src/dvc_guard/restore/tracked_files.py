"""Files in Git that DVC writes: params.yaml (by dvc exp run -S), dvc.lock, metrics, and .gitignore beside outputs."""

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from dvc.dvcfile import LOCK_FILE

from dvc_guard.errors import GuardError
from dvc_guard.git import git, try_git
from dvc_guard.project import find_lockfiles, get_path, is_in_project, open_project
from dvc_guard.yaml_file import parse_yaml_mapping

PARAMS_YAML = Path("params.yaml")
SAVED = Path(".dvc/tmp/restore")


def restore_parameters() -> Iterator[str]:
    """Restore params.yaml; save the changed file, and yield the options that set its parameters again."""
    if not is_changed(PARAMS_YAML):
        return
    content = PARAMS_YAML.read_bytes() if PARAMS_YAML.is_file() else b""
    SAVED.mkdir(parents=True, exist_ok=True)
    (SAVED / PARAMS_YAML).write_bytes(content)
    check_out(PARAMS_YAML)
    yield f"Restored {PARAMS_YAML}; the changed one is {SAVED / PARAMS_YAML}"
    options = list_options(content.decode(errors="replace"))
    if options:
        yield f"To set the changed parameters again: dvc exp run {shlex.join(options)}"


def list_options(text: str) -> list[str]:
    """List the -S options that change the committed params.yaml to `text`; none if that is not valid."""
    committed = parse_yaml_mapping(git("show", f"HEAD:./{PARAMS_YAML}"), PARAMS_YAML)
    try:
        values = parse_yaml_mapping(text, PARAMS_YAML)
    except GuardError:
        return []
    changes = [
        f"{'' if key in committed else '+'}{key}={_format(value)}"
        for key, value in values.items()
        if key not in committed or committed[key] != value
    ]
    changes += [f"~{key}" for key in committed if key not in values]
    return [argument for change in changes for argument in ("-S", change)]


def _format(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), default=str)


def restore_lock_and_metrics() -> Iterator[str]:
    """Restore dvc.lock, the outputs that Git keeps, and .gitignore beside outputs."""
    with open_project("HEAD") as repo:
        outs = [out for out in repo.index.outs if is_in_project(out)]
        paths = {Path(repo.fs.relpath(path, repo.root_dir)) for path in find_lockfiles(repo)}
        paths |= {Path(get_path(out)) for out in outs if not out.use_cache}
        paths |= {Path(get_path(out)).parent / ".gitignore" for out in outs}
    if try_git("cat-file", "-e", f"HEAD:./{LOCK_FILE}") is None and Path(LOCK_FILE).exists():
        Path(LOCK_FILE).unlink()
        yield f"Removed {LOCK_FILE}, which is not in the last commit"
    for path in sorted(paths):
        if is_changed(path):
            check_out(path)
            yield f"Restored {path}"


def is_changed(path: Path) -> bool:
    """Return whether a file of the last commit is missing from the workspace, or differs there.

    `git status` compares size and time first, and does not notice a change of neither.
    """
    committed = try_git("rev-parse", "--verify", "--quiet", f"HEAD:./{path}")
    if committed is None:
        return False
    return not path.is_file() or git("hash-object", "--", str(path)) != committed


def check_out(path: Path) -> None:
    """Check a file out from the last commit."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)  # else Git would keep a file of the same size and time
    git("checkout", "--quiet", "HEAD", "--", str(path))


def list_edited() -> list[str]:
    """List the files of the workspace that differ from the last commit, untracked ones included."""
    lines = git("status", "--porcelain").splitlines()
    return [line[3:] for line in lines]
