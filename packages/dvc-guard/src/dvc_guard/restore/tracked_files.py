"""Files in Git that DVC writes: parameters (by dvc exp run -S), dvc.lock, metrics, and .gitignore beside outputs."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from dvc.dependency import ParamsDependency
from dvc.dvcfile import LOCK_FILE
from dvc.repo import Repo

from dvc_guard.errors import GuardError
from dvc_guard.git import git
from dvc_guard.project import find_lockfiles, get_path, get_stages, is_in_project
from dvc_guard.restore.changes import Changes
from dvc_guard.restore.committed_files import Blob, check_out, list_blobs, list_sparse_files
from dvc_guard.run.pipeline import PARAMS_YAML
from dvc_guard.yaml_file import parse_yaml_mapping, read_yaml_mapping

YAML_SUFFIXES = (".yaml", ".yml", ".json")  # JSON is YAML


def restore_tracked_files(changes: Changes, repo: Repo, target: str) -> Iterator[str]:
    """Restore the files that DVC writes and Git keeps, where they differ from the commit `target`."""
    outs = [out for out in repo.index.outs if is_in_project(out)]
    of_git = {Path(get_path(out)) for out in outs if not out.use_cache}
    ignored = {Path(get_path(out)) for out in outs}
    lockfiles = {Path(repo.fs.relpath(path, repo.root_dir)) for path in find_lockfiles(repo)}
    parameters = find_parameter_files(repo)
    sparse = list_sparse_files()

    def list_changed(paths: set[Path]) -> list[Blob]:
        return [
            blob for blob in list_blobs(target, sorted(paths)).values() if blob.path not in sparse and blob.differs()
        ]

    for blob in list_changed(parameters):
        yield from restore_parameters(changes, target, blob.path)
    for blob in list_changed(lockfiles | of_git):
        yield f"Restored {check_out(changes, target, blob.path)}"
    for blob in list_changed({path.parent / ".gitignore" for path in ignored}):
        if lacks_outputs(blob, {f"/{path.name}" for path in ignored if path.parent == blob.path.parent}):
            yield f"Restored {check_out(changes, target, blob.path)}"
    for path in list_other_files(of_git, target):
        changes.move(path)
        yield f"Moved {path}, which is not of an output of the last commit"
    if not lockfiles and is_broken(Path(LOCK_FILE)):
        changes.move(Path(LOCK_FILE))
        yield f"Moved {LOCK_FILE}, which cannot be read and is not in the last commit"


def find_parameter_files(repo: Repo) -> set[Path]:
    """Return the files that dvc exp run -S changes and that are no code."""
    deps = [dep for stage in get_stages(repo).values() for dep in stage.deps if isinstance(dep, ParamsDependency)]
    return {
        Path(PARAMS_YAML),
        *(Path(get_path(dep)) for dep in deps if is_in_project(dep) and dep.def_path[-3:] != ".py"),
    }


def restore_parameters(changes: Changes, target: str, path: Path) -> Iterator[str]:
    """Restore a file of parameters, and yield the options that set them again."""
    content = path.read_bytes() if path.is_file() else b""
    yield f"Restored {check_out(changes, target, path)}"
    if path.suffix in YAML_SUFFIXES and (options := list_options(content.decode(errors="replace"), path, target)):
        yield f"To set the changed parameters again: dvc exp run {shlex.join(options)}"


def list_options(text: str, path: Path, commit: str = "HEAD") -> list[str]:
    """List the -S options that change a committed file of parameters to `text`; none if that is not valid."""
    try:
        committed = parse_yaml_mapping(git("show", f"{commit}:./{path}"), path)
        values = parse_yaml_mapping(text, path)
    except GuardError:
        return []
    file = "" if path == Path(PARAMS_YAML) else f"{path}:"
    changes = [
        f"{'' if key in committed else '+'}{key}={_format(value)}"
        for key, value in values.items()
        if key not in committed or committed[key] != value
    ]
    changes += [f"~{key}" for key in committed if key not in values]
    return [argument for change in changes for argument in ("-S", f"{file}{change}")]


def _format(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), default=str)


def lacks_outputs(blob: Blob, needed: set[str]) -> bool:
    """Return whether a .gitignore lacks lines for outputs that the committed one has; others are the user's."""
    committed = git("cat-file", "blob", blob.value).splitlines()
    current = blob.path.read_text(errors="replace").splitlines() if blob.path.is_file() else []
    return bool(needed & set(committed) - set(current))


def list_other_files(outputs: set[Path], target: str) -> list[Path]:
    """List the files in folders of outputs that Git keeps, but the commit does not have: DVC hashes the folder."""
    files = {file for path in outputs if path.is_dir() for file in path.rglob("*") if not file.is_dir()}
    return sorted(files - list_blobs(target, sorted(outputs)).keys())


def is_broken(path: Path) -> bool:
    """Return whether there is something at a path that is no file of YAML."""
    try:
        read_yaml_mapping(path)
    except FileNotFoundError:
        return path.is_symlink()
    except (GuardError, OSError):
        return True
    return False


def list_edited() -> list[str]:
    """List the files of the workspace that differ from the last commit, untracked ones included."""
    entries = iter(git("status", "--porcelain", "-z").split("\0")[:-1])
    edited = []
    for entry in entries:
        edited.append(entry[3:])
        if "R" in entry[:2]:  # the old name of a renamed file follows
            next(entries)
    return edited
