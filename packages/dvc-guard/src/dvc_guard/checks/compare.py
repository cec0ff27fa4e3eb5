"""Compare one stage of HEAD with its entry in dvc.lock."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dvc.dependency import ParamsDependency
from dvc.dvcfile import LOCK_FILE
from dvc.output import Output
from dvc.stage import PipelineStage

from dvc_guard.checks.hashes import LEGACY_HASH, get_cached_size, is_ignored_output, read_content
from dvc_guard.checks.parameters import compare_parameters
from dvc_guard.checks.report import PASSED, Finding, make_not_compared
from dvc_guard.errors import GuardError
from dvc_guard.project import get_path, is_in_commit

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
    yield from compare_files("out", stage.outs)


def compare_inputs(stage: PipelineStage, locked: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare the dependencies and parameters of a stage."""
    deps = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    yield from compare_files("dep", deps)
    locked_params = locked.get("params", {})
    for dep in stage.params:
        yield from compare_parameters(dep, locked_params.get(dep.def_path, {}))


def note_frozen(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Turn findings into notes: `dvc repro` does not run a frozen stage, whatever its dependencies and parameters."""
    return (Finding(f"frozen, so dvc repro ignores: {finding.text}", PASSED) for finding in findings)


def compare_files(kind: str, files: Sequence[Output]) -> Iterator[Finding]:
    """Compare the dependencies or outputs of a stage with those in dvc.lock. `kind` is their label: "dep" or "out"."""
    for file in files:
        label = f"{kind} {get_path(file)}"
        if not is_in_commit(file):
            yield Finding(f"{label}: not compared, because it is outside the repository", PASSED)
        elif not file.hash_info:
            yield Finding(f"{label}: not in dvc.lock")
        elif kind == "out" and file.use_cache:  # the hash is that in dvc.lock by definition, only the size can differ
            yield from compare_size(label, file, get_cached_size(file, file.meta.size))
        else:
            yield from compare_content(label, file)


def compare_content(label: str, file: Output) -> Iterator[Finding]:
    """Compare the hash and the size of a file at HEAD with those in dvc.lock."""
    try:
        content = read_content(file)
    except GuardError as error:
        yield make_not_compared(label, error)
        return
    if content is None and is_ignored_output(file):
        yield Finding(f"{label}: not compared, because Git ignores it", PASSED)
    elif content is None:
        yield Finding(f"{label}: missing from HEAD")
    elif content.hash != file.hash_info.value:
        yield Finding(f"{label}: changed, {file.hash_info.value[:8]} in dvc.lock, {content.hash[:8]} in HEAD")
    else:
        yield from compare_size(label, file, content.size)


def compare_size(label: str, file: Output, size: int | None) -> Iterator[Finding]:
    """Compare the size of a file with dvc.lock. DVC ignores it, and keeps a truncated one when it updates dvc.lock.

    Before DVC 3.0 the size may be missing, and it is that of the file before its line ends were converted for the hash.
    """
    if file.hash_name != LEGACY_HASH and (file.meta.size is None or size not in (None, file.meta.size)):
        yield Finding(f"{label}: size is wrong or missing in dvc.lock, which was truncated; {RECREATE_LOCK}")
