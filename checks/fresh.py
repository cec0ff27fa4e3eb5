"""Check that HEAD's dvc.lock is what HEAD's code, parameters and dvc.yaml say.

DVC's own commands exit with 0 on a stale pipeline, and look at the workspace. Here code and parameters come from Git,
and data from the hashes that dvc.lock has of it, so that data which is merely not pulled is not stale.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from dvc.dependency import ParamsDependency
from dvc.dvcfile import LOCK_FILE
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import PipelineStage

from checks.hashes import has_other_size, hash_of, output_with
from checks.project import (
    find_locks,
    is_inside,
    name_of,
    note_uncommitted,
    path_of,
    pipeline_stages,
    project_at,
    read_locks,
)
from checks.report import FAILS, HOLDS, Result

ABSENT = object()
ANEW = f"rm {LOCK_FILE} && dvc repro writes it anew"  # dvc repro alone takes what is left for whole


class Finding(NamedTuple):
    """What was seen of a stage: a cause of staleness, or only something that could not be compared."""

    text: str
    stale: bool = True


def check() -> Result:
    """Compare each stage of HEAD with its entry in HEAD's dvc.lock."""
    with project_at("HEAD") as repo:
        locked, notes = read_locks(repo), note_uncommitted(repo)
        rows = [(path, f"breaks off in its last line; {ANEW}") for path in find_cut_off_locks(repo)]
        stages = {name_of(repo, stage.path, stage.name): stage for stage in pipeline_stages(repo)}
        for name, stage in stages.items():
            findings = list(compare(stage, locked[name])) if name in locked else [Finding("not in dvc.lock")]
            rows += [(name, finding.text) for finding in findings if finding.stale]
            notes += [f"{name}: {finding.text}" for finding in findings if not finding.stale]
        rows += [(name, "in dvc.lock, but no longer in dvc.yaml") for name in locked if name not in stages]
    if rows:
        summary = f"{LOCK_FILE} is not what HEAD says; run dvc repro and commit what it changes"
        return Result("fresh", FAILS, summary, ("stage", "cause"), rows, notes)
    return Result("fresh", HOLDS, f"{LOCK_FILE} is what HEAD says, for each of {len(stages)} stages", notes=notes)


def find_cut_off_locks(repo: Repo) -> Iterator[str]:
    """List the paths, from the project's root, of those dvc.lock that lack their end and may still be valid YAML."""
    for path in find_locks(repo):
        if not repo.fs.read_text(path, encoding="utf-8").endswith("\n"):
            yield repo.fs.relpath(path, repo.root_dir)


def compare(stage: PipelineStage, locked: dict[str, Any]) -> Iterator[Finding]:
    """Compare a stage with its entry in dvc.lock."""
    if stage.cmd != locked["cmd"]:
        yield Finding(f"command: dvc.lock says {locked['cmd']!r}, dvc.yaml says {stage.cmd!r}")
    deps = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    yield from compare_files("dep", deps, locked.get("deps", []))
    yield from compare_files("output", stage.outs, locked.get("outs", []))
    for dep in stage.params:
        yield from compare_parameters(dep, locked.get("params", {}).get(dep.def_path, {}))
    for path in sorted(locked.get("params", {}).keys() - {dep.def_path for dep in stage.params}):
        yield Finding(f"params of {path}: no longer in dvc.yaml")


def compare_files(kind: str, files: Sequence[Output], locked: list[dict[str, Any]]) -> Iterator[Finding]:
    """Compare which files a stage has, and those that Git keeps or another stage wrote, with dvc.lock."""
    for path in sorted({entry["path"] for entry in locked} - {file.def_path for file in files}):
        yield Finding(f"{kind} {path}: no longer in dvc.yaml")
    for file in files:
        label = f"{kind} {path_of(file)}"
        if not file.hash_info:
            yield Finding(f"{label}: not in dvc.lock")
        elif not is_inside(file):
            yield Finding(f"{label}: not compared, it lies outside the project", stale=False)
        elif file.use_cache:  # what the cache holds is dvc.lock's by name
            yield from compare_size(label, file)
        elif not file.stage.frozen:
            yield from compare_content(label, file)


def compare_content(label: str, file: Output) -> Iterator[Finding]:
    """Compare the hash of a file at HEAD with the one that dvc.lock has of it."""
    try:
        actual = hash_of(file)
    except FileNotFoundError:
        yield Finding(
            f"{label}: not compared, a folder's listing is not in the cache, or is damaged there", stale=False
        )
        return
    if actual is None:
        yield Finding(f"{label}: missing from HEAD")
    elif actual != file.hash_info.value:
        yield Finding(f"{label}: changed, {file.hash_info.value[:8]} in dvc.lock and {actual[:8]} in HEAD")
    else:
        yield from compare_size(label, file)


def compare_size(label: str, file: Output) -> Iterator[Finding]:
    """Compare the size of a file with that in dvc.lock, which DVC never reads and keeps as it was where it was cut."""
    if file.meta.size is None or has_other_size(file):
        yield Finding(f"{label}: its size is wrong or missing in dvc.lock, which was cut off there; {ANEW}")


def compare_parameters(dep: ParamsDependency, locked: dict[str, Any]) -> Iterator[Finding]:
    """Compare the parameters that a stage takes of one file with dvc.lock."""
    path = path_of(dep)
    if not dep.exists:
        is_output = output_with(dep) is not None
        reason = "not compared, it is an output" if is_output else "missing from HEAD"
        yield Finding(f"params file {path}: {reason}", stale=not is_output)
        return
    values = dep.read_params()
    for key in sorted(values.keys() | locked.keys() | set(dep.params)):
        value, locked_value = values.get(key, ABSENT), locked.get(key, ABSENT)
        if dep.params and key not in dep.params:
            yield Finding(f"param {key}: no longer in dvc.yaml")
        elif plain(value) != locked_value or value is ABSENT:
            yield Finding(f"param {key}: dvc.lock says {show(locked_value)}, {path} says {show(value)}")


def plain(value: Any) -> Any:
    """Turn a tuple of a Python file of parameters into the list that YAML makes of it."""
    return list(value) if isinstance(value, tuple) else value


def show(value: Any) -> str:
    """Write the value of a parameter."""
    return "nothing" if value is ABSENT else repr(value)
