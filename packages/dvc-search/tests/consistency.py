"""Whether Git remote, DVC remote and study of a search agree."""

import hashlib
import json
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from ruamel.yaml import YAML

from dvc_search.git import git
from search_project import Project


def list_refs(repository: Path) -> dict[str, str]:
    """Return the refs of experiments, by name."""
    refs = git(repository, "for-each-ref", "--format=%(refname)", "refs/exps").splitlines()
    names = [ref.rpartition("/")[2] for ref in refs]
    assert len(names) == len(set(names)), refs
    return dict(zip(names, refs, strict=True))


def assert_refs_have_data(folder: Path) -> list[str]:
    """Check that all outputs of the experiments in `git` are in `storage`, undamaged; return their names."""
    refs = list_refs(folder / "git")
    for ref in refs.values():
        for stage in read_yaml(folder / "git", ref, "dvc.lock")["stages"].values():
            for out in stage["outs"]:
                if out["path"] != "metrics.json":  # in Git
                    path = folder / "storage/files/md5" / out["md5"][:2] / out["md5"][2:]
                    assert hash_file(path) == out["md5"]
    return list(refs)


def hash_file(path: Path) -> str:
    """Return the MD5 of a file."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def read_yaml(repository: Path, ref: str, path: str) -> Any:
    """Read a YAML file of an experiment."""
    return YAML(typ="safe", pure=True).load(git(repository, "show", f"{ref}:{path}"))


def list_trials(project: Project, name: str) -> list[FrozenTrial]:
    """List the trials of a study that are counted."""
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{project.folder}/.dvc/tmp/search/{name}.db")
    return [trial for trial in study.get_trials() if "not_run" not in trial.user_attrs]


def assert_complete(project: Project, name: str, count: int) -> None:
    """Check that each trial is recorded once with its parameters and value, here and on the remote."""
    repository = project.folder.parent / "git"
    trials = list_trials(project, name)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * count
    refs = {key: ref for key, ref in list_refs(repository).items() if key.startswith(f"{name}-")}
    runs = [key for trial in trials for key in trial.user_attrs["experiments"]]
    assert sorted(runs) == sorted(refs)
    assert refs.items() <= list_refs(project.folder).items()
    for trial in trials:
        values = [_read_value(repository, refs[run], trial) for run in trial.user_attrs["experiments"]]
        assert trial.value == fmean(values)


def _read_value(repository: Path, ref: str, trial: FrozenTrial) -> float:
    """Return the value of an experiment, whose parameters are those of the trial, also in their branches."""
    recorded = read_yaml(repository, ref, "params.yaml")
    for name, value in trial.params.items():
        assert recorded[name.partition(" (")[0]] == (float(f"{value:.6g}") if isinstance(value, float) else value)
    return float(json.loads(git(repository, "show", f"{ref}:metrics.json"))["validation"]["score"])


def hash_workspace(project: Project) -> dict[str, str]:
    """Hash what a search must not change: files outside of .git and .dvc/tmp, HEAD, the index, and the stash."""
    named = {str(path.relative_to(project.folder)): path for path in project.folder.rglob("*") if path.is_file()}
    changing = (".git/", ".dvc/tmp/", ".dvc/cache/")
    hashes = {name: hash_file(path) for name, path in named.items() if not name.startswith(changing)}
    state = [project.git(*command) for command in (("status", "--branch", "--porcelain"), ("stash", "list"))]
    return hashes | {"HEAD": project.git("rev-parse", "HEAD"), "status": "\n".join(state)}
