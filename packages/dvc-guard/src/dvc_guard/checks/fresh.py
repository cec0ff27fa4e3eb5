"""Compare HEAD's dvc.lock with the code, parameters and dvc.yaml of HEAD.

`dvc status` and `dvc repro --dry` exit with 0 on a stale pipeline and compare the workspace. This check reads code and
parameters from Git, and the hashes of data from dvc.lock, so it works without pulled data, except where a stage uses a
part of a directory that is in DVC: which part changed is in the cache.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dvc.dvcfile import LOCK_FILE, PROJECT_FILE
from dvc.repo import Repo
from dvc.stage import PipelineStage

from dvc_guard.checks.compare import RECREATE_LOCK, compare_stage
from dvc_guard.checks.report import ERROR, FAILED, PASSED, Finding, Result
from dvc_guard.errors import join_names
from dvc_guard.project import (
    NO_STAGES,
    find_lockfiles,
    get_stages,
    note_uncommitted_changes,
    open_project,
    read_lockfiles,
)

LEFTOVERS = f"{LOCK_FILE} has what {PROJECT_FILE} no longer has, which DVC ignores; you can delete it there"


def check() -> Result:
    """Compare each stage of HEAD with its entry in HEAD's dvc.lock."""
    with open_project("HEAD") as repo:
        stages, locked, notes = get_stages(repo), read_lockfiles(repo), note_uncommitted_changes(repo)
        found = list(list_findings(repo, stages, locked))
    leftovers = list(list_leftovers(stages, locked))
    if leftovers:
        notes.append(f"{LEFTOVERS}: {join_names(leftovers)}")
    rows = {status: [(name, each.text) for name, each in found if each.status == status] for status in (FAILED, ERROR)}
    notes += [f"{name}: {each.text}" for name, each in found if each.status == PASSED]
    if rows[FAILED]:
        summary = f"{LOCK_FILE} does not match HEAD; run dvc repro and commit the changes"
        return Result("fresh", FAILED, summary, ("stage", "cause"), rows[FAILED] + rows[ERROR], notes)
    if rows[ERROR]:
        targets = " ".join(sorted({each.target for _, each in found if each.target}))
        summary = f"not everything could be compared with {LOCK_FILE}" + (targets and f"; run dvc pull {targets}")
        return Result("fresh", ERROR, summary, ("stage", "cause"), rows[ERROR], notes)
    summary = f"{LOCK_FILE} matches HEAD for each of {len(stages)} stages" if stages else NO_STAGES
    return Result("fresh", PASSED, summary, notes=notes)


def list_findings(
    repo: Repo, stages: Mapping[str, PipelineStage], locked: Mapping[str, dict[str, Any]]
) -> Iterator[tuple[str, Finding]]:
    """Yield the findings of all stages, each with the name of its stage or the path of its file."""
    for path in find_truncated_lockfiles(repo):
        yield path, Finding(f"the last line is truncated; {RECREATE_LOCK}")
    for name, stage in stages.items():
        for finding in compare_stage(stage, locked.get(name)):
            yield name, finding


def list_leftovers(stages: Mapping[str, PipelineStage], locked: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the entries of dvc.lock that dvc.yaml no longer has. DVC keeps and ignores them."""
    for name, entry in locked.items():
        if name not in stages:
            yield f"stage {name}"
            continue
        stage = stages[name]
        for kind, files in (("dep", stage.deps), ("out", stage.outs)):
            paths = {each["path"] for each in entry.get(f"{kind}s", [])} - {file.def_path for file in files}
            yield from (f"{kind} {path} of {name}" for path in sorted(paths))
        params = {dep.def_path: dep.params for dep in stage.params}
        for path, values in entry.get("params", {}).items():
            keys = set(values) - set(params[path] or values) if path in params else values
            yield from (f"param {key} of {name}" for key in sorted(keys))


def find_truncated_lockfiles(repo: Repo) -> Iterator[str]:
    """Yield the paths of dvc.lock files without a final newline. They can still be valid YAML."""
    for path in find_lockfiles(repo):
        if not repo.fs.read_text(path, encoding="utf-8").endswith("\n"):
            yield repo.fs.relpath(path, repo.root_dir)
