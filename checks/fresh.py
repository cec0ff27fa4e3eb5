"""Compare HEAD's dvc.lock with the code, parameters and dvc.yaml of HEAD.

`dvc status` and `dvc repro --dry` exit with 0 on a stale pipeline and compare the workspace. This check reads code and
parameters from Git, and the hashes of data from dvc.lock, so it works without pulled data.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from dvc.dependency import ParamsDependency
from dvc.dvcfile import LOCK_FILE
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import PipelineStage

from checks.hashes import find_cached_output, get_hash, has_size_mismatch
from checks.project import (
    find_lockfiles,
    get_path,
    get_pipeline_stages,
    get_stage_name,
    is_in_project,
    note_uncommitted_changes,
    open_project,
    read_lockfiles,
)
from checks.report import FAILED, PASSED, Result

MISSING = object()
RECREATE_LOCK = f"to recreate it: rm {LOCK_FILE} && dvc repro"  # dvc repro alone does not detect the truncation


class Finding(NamedTuple):
    """A difference between a stage and dvc.lock, or if not `stale`, something that was not compared."""

    text: str
    stale: bool = True


def check() -> Result:
    """Compare each stage of HEAD with its entry in HEAD's dvc.lock."""
    with open_project("HEAD") as repo:
        locked, notes = read_lockfiles(repo), note_uncommitted_changes(repo)
        rows = [(path, f"the last line is truncated; {RECREATE_LOCK}") for path in find_truncated_lockfiles(repo)]
        stages = {get_stage_name(repo, stage.path, stage.name): stage for stage in get_pipeline_stages(repo)}
        for name, stage in stages.items():
            findings = list(compare_stage(stage, locked[name])) if name in locked else [Finding("not in dvc.lock")]
            rows += [(name, finding.text) for finding in findings if finding.stale]
            notes += [f"{name}: {finding.text}" for finding in findings if not finding.stale]
        rows += [(name, "in dvc.lock, but no longer in dvc.yaml") for name in locked if name not in stages]
    if rows:
        summary = f"{LOCK_FILE} does not match HEAD; run dvc repro and commit the changes"
        return Result("fresh", FAILED, summary, ("stage", "cause"), rows, notes)
    return Result("fresh", PASSED, f"{LOCK_FILE} matches HEAD for each of {len(stages)} stages", notes=notes)


def find_truncated_lockfiles(repo: Repo) -> Iterator[str]:
    """Yield the paths of dvc.lock files without a final newline. They can still be valid YAML."""
    for path in find_lockfiles(repo):
        if not repo.fs.read_text(path, encoding="utf-8").endswith("\n"):
            yield repo.fs.relpath(path, repo.root_dir)


def compare_stage(stage: PipelineStage, locked: dict[str, Any]) -> Iterator[Finding]:
    """Compare the command, dependencies, outputs and parameters of a stage with its entry in dvc.lock."""
    if stage.cmd != locked["cmd"]:
        yield Finding(f"cmd: {locked['cmd']!r} in dvc.lock, {stage.cmd!r} in dvc.yaml")
    deps = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    yield from compare_files("dep", deps, locked.get("deps", []))
    yield from compare_files("out", stage.outs, locked.get("outs", []))
    for dep in stage.params:
        yield from compare_parameters(dep, locked.get("params", {}).get(dep.def_path, {}))
    for path in sorted(locked.get("params", {}).keys() - {dep.def_path for dep in stage.params}):
        yield Finding(f"params file {path}: no longer in dvc.yaml")


def compare_files(kind: str, files: Sequence[Output], locked: list[dict[str, Any]]) -> Iterator[Finding]:
    """Compare the dependencies or outputs of a stage with those in dvc.lock. `kind` is their label: "dep" or "out"."""
    for path in sorted({entry["path"] for entry in locked} - {file.def_path for file in files}):
        yield Finding(f"{kind} {path}: no longer in dvc.yaml")
    for file in files:
        label = f"{kind} {get_path(file)}"
        if not file.hash_info:
            yield Finding(f"{label}: not in dvc.lock")
        elif not is_in_project(file):
            yield Finding(f"{label}: not compared, because it is outside the project", stale=False)
        elif file.use_cache:  # the hash is the one in dvc.lock by definition, only the size can differ
            yield from compare_size(label, file)
        elif not file.stage.frozen:
            yield from compare_content(label, file)


def compare_content(label: str, file: Output) -> Iterator[Finding]:
    """Compare the hash and the size of a file at HEAD with dvc.lock."""
    try:
        actual = get_hash(file)
    except FileNotFoundError:
        yield Finding(f"{label}: not compared, because a .dir file is missing from the cache or damaged", stale=False)
        return
    if actual is None:
        yield Finding(f"{label}: missing from HEAD")
    elif actual != file.hash_info.value:
        yield Finding(f"{label}: changed, {file.hash_info.value[:8]} in dvc.lock, {actual[:8]} in HEAD")
    else:
        yield from compare_size(label, file)


def compare_size(label: str, file: Output) -> Iterator[Finding]:
    """Compare the size of a file with dvc.lock. DVC ignores it, and keeps a truncated one when it updates dvc.lock."""
    if file.meta.size is None or has_size_mismatch(file):
        yield Finding(f"{label}: size is wrong or missing in dvc.lock, which was truncated; {RECREATE_LOCK}")


def compare_parameters(dep: ParamsDependency, locked: dict[str, Any]) -> Iterator[Finding]:
    """Compare the parameters that a stage reads from one file with dvc.lock. A file written by a stage is skipped."""
    path = get_path(dep)
    if not dep.exists:
        is_output = find_cached_output(dep) is not None
        reason = "not compared, because it is an output" if is_output else "missing from HEAD"
        yield Finding(f"params file {path}: {reason}", stale=not is_output)
        return
    values = dep.read_params()
    for key in sorted(values.keys() | locked.keys() | set(dep.params)):
        value, locked_value = values.get(key, MISSING), locked.get(key, MISSING)
        if dep.params and key not in dep.params:
            yield Finding(f"param {key}: no longer in dvc.yaml")
        elif tuple_to_list(value) != locked_value or value is MISSING:
            yield Finding(f"param {key}: {format_value(locked_value)} in dvc.lock, {format_value(value)} in {path}")


def tuple_to_list(value: Any) -> Any:
    """Convert a tuple, which only a Python params file can contain, to the list that dvc.lock has in its place."""
    return list(value) if isinstance(value, tuple) else value


def format_value(value: Any) -> str:
    """Format the value of a parameter as a Python literal, or as "missing"."""
    return "missing" if value is MISSING else repr(value)
