"""Compare one stage of HEAD with its entry in dvc.lock."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dvc.dependency import ParamsDependency
from dvc.dvcfile import LOCK_FILE
from dvc.output import Output
from dvc.stage import PipelineStage

from dvc_guard.checks.hashes import LEGACY_HASH, get_hash, has_size_mismatch, is_ignored_output
from dvc_guard.checks.parameters import compare_parameters
from dvc_guard.checks.report import ERROR, PASSED, Finding
from dvc_guard.project import NotInCacheError, get_path, is_in_commit

RECREATE_LOCK = f"to recreate it: rm {LOCK_FILE} && dvc repro"  # dvc repro alone does not detect the truncation


def compare_stage(stage: PipelineStage, locked: Mapping[str, Any] | None) -> Iterator[Finding]:
    """Compare the command, dependencies, outputs and parameters of a stage with its entry in dvc.lock."""
    if locked is None:
        yield Finding("not in dvc.lock")
        return
    if stage.cmd != locked["cmd"]:
        yield Finding(f"cmd: {locked['cmd']!r} in dvc.lock, {stage.cmd!r} in dvc.yaml")
    inputs = compare_inputs(stage, locked)
    yield from note_frozen(inputs) if stage.frozen else inputs
    yield from compare_files("out", stage.outs, locked)


def compare_inputs(stage: PipelineStage, locked: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare the dependencies and parameters of a stage."""
    deps = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    yield from compare_files("dep", deps, locked)
    locked_params = locked.get("params", {})
    for dep in stage.params:
        yield from compare_parameters(dep, locked_params.get(dep.def_path, {}))
    for path in sorted(locked_params.keys() - {dep.def_path for dep in stage.params}):
        yield Finding(f"params file {path}: no longer in dvc.yaml")


def note_frozen(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Turn findings into notes: `dvc repro` does not run a frozen stage, whatever its dependencies and parameters."""
    return (Finding(f"frozen, so dvc repro ignores: {finding.text}", PASSED) for finding in findings)


def compare_files(kind: str, files: Sequence[Output], locked: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare the dependencies or outputs of a stage with those in dvc.lock. `kind` is their label: "dep" or "out"."""
    for path in sorted({entry["path"] for entry in locked.get(f"{kind}s", [])} - {file.def_path for file in files}):
        yield Finding(f"{kind} {path}: no longer in dvc.yaml")
    for file in files:
        label = f"{kind} {get_path(file)}"
        if not is_in_commit(file):
            yield Finding(f"{label}: not compared, because it is outside the repository", PASSED)
        elif not file.hash_info:
            yield Finding(f"{label}: not in dvc.lock")
        elif kind == "out" and file.use_cache:  # the hash is that in dvc.lock by definition, only the size can differ
            yield from compare_size(label, file)
        else:
            yield from compare_content(label, file)


def compare_content(label: str, file: Output) -> Iterator[Finding]:
    """Compare the hash and the size of a file at HEAD with those in dvc.lock."""
    try:
        actual = get_hash(file)
    except NotInCacheError as error:
        yield Finding(f"{label}: not compared, because {error}", ERROR, error.target)
        return
    if actual is None and is_ignored_output(file):
        yield Finding(f"{label}: not compared, because Git ignores it", PASSED)
    elif actual is None:
        yield Finding(f"{label}: missing from HEAD")
    elif actual != file.hash_info.value:
        yield Finding(f"{label}: changed, {file.hash_info.value[:8]} in dvc.lock, {actual[:8]} in HEAD")
    else:
        yield from compare_size(label, file)


def compare_size(label: str, file: Output) -> Iterator[Finding]:
    """Compare the size of a file with dvc.lock. DVC ignores it, and keeps a truncated one when it updates dvc.lock.

    Before DVC 3.0 the size may be missing, and it is that of the file before its line ends were converted for the hash.
    """
    if file.hash_name == LEGACY_HASH:
        return
    if file.meta.size is None or has_size_mismatch(file):
        yield Finding(f"{label}: size is wrong or missing in dvc.lock, which was truncated; {RECREATE_LOCK}")
