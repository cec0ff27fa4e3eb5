"""Run the pipeline of HEAD again and compare the outputs with HEAD's dvc.lock.

All stages run in a temporary clone with an empty cache. Data that no stage writes is pulled from the project's cache.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dvc.output import Output
from dvc.repo import Repo
from dvc_data.hashfile.build import build
from dvc_data.hashfile.tree import Tree

from .clone import clone_head, pull_source_data, run_pipeline, set_parameters
from .hashes import LEGACY_HASH
from .metrics import Rule, compare_metric, compare_metrics, look_up, read_metrics, read_reference, validate_names
from .objects import get_cached_object, read_directory_listing
from .project import (
    NO_STAGES,
    CheckError,
    NotInCacheError,
    get_path,
    get_stages,
    is_in_project,
    note_uncommitted_changes,
    open_project,
    read_lockfiles,
)
from .report import FAILED, PASSED, Result

MAX_FILES_SHOWN = 5


def check(changes: Sequence[str], tolerances: Mapping[str, float]) -> Result:
    """Run HEAD's pipeline in a clone and compare its outputs with dvc.lock.

    If there are `changes` of params.yaml, each as `key=value`, or `tolerances` by metric name ("" for all other
    metrics), only metrics are compared.
    """
    with open_project("HEAD") as repo:
        if not get_stages(repo):
            return Result("reproduce", PASSED, NO_STAGES)
    only_metrics = bool(changes or tolerances)
    reference = read_reference("HEAD") if only_metrics else read_metrics("HEAD")
    validate_names("--tolerance", tolerances.keys() - {""}, reference)
    with open_project("HEAD") as repo:
        read_lockfiles(repo)
        notes = note_uncommitted_changes(repo)
        committed = get_outputs(repo)
        for path, out in committed.items():
            if not is_in_project(out):
                raise CheckError(f"{path} is outside the project; running the pipeline would overwrite it")
        with clone_head(repo):
            pull_source_data(repo.cache.local_cache_dir)
            set_parameters(changes)
            run_pipeline()
            current = read_metrics("workspace")
            if only_metrics:
                return check_metrics(reference, current, tolerances, notes)
            with open_project("workspace") as clone:
                rows = compare_outputs(committed, get_outputs(clone))
    if rows:
        rows += list_changed_metrics(reference, current)
        columns = ("what", "dvc.lock", "run again", "difference")
        return Result("reproduce", FAILED, "outputs differ from dvc.lock", columns, rows, notes)
    return Result("reproduce", PASSED, f"{len(committed)} outputs are identical to dvc.lock", notes=notes)


def get_outputs(repo: Repo) -> dict[str, Output]:
    """Return the outputs of all stages by path, relative to the project's root."""
    return {get_path(out): out for stage in get_stages(repo).values() for out in stage.outs}


def check_metrics(
    reference: Mapping[str, object],
    current: Mapping[str, object],
    tolerances: Mapping[str, float],
    notes: Sequence[str],
) -> Result:
    """Compare metrics by absolute tolerance; the default is 0."""
    default = tolerances.get("", 0.0)
    comparisons = compare_metrics(reference, current, lambda name: Rule("same", look_up(name, tolerances, default)))
    rows = [comparison.row for comparison in comparisons]
    failed = sum(not comparison.passed for comparison in comparisons)
    columns = ("metric", "HEAD", "run again", "change", "tolerance", "verdict")
    if failed:
        summary = f"{failed} of {len(rows)} metrics are not within the tolerance"
        return Result("reproduce", FAILED, summary, columns, rows, notes)
    return Result("reproduce", PASSED, f"{len(rows)} metrics are within the tolerance", columns, rows, notes)


def compare_outputs(committed: Mapping[str, Output], current: Mapping[str, Output]) -> list[tuple[str, ...]]:
    """Return a row for each output whose hash differs: its path, both hashes and a description of the difference."""
    return [
        (path, format_hash(out), format_hash(current[path]), describe_difference(out, current[path]))
        for path, out in committed.items()
        if not is_same(out, current[path])
    ]


def is_same(committed: Output, current: Output) -> bool:
    """Return whether an output has the hash that is in dvc.lock, which may be one of DVC before 3.0."""
    value = current.hash_info.value
    if current.hash_info and committed.hash_name == LEGACY_HASH:
        legacy = build(current.cache, current.fs_path, current.fs, LEGACY_HASH, dry_run=True)[2]
        return committed.hash_info.value in (value, legacy.hash_info.value)
    return bool(committed.hash_info.value == value)


def format_hash(out: Output) -> str:
    """Return the hash of an output in dvc.lock, or "missing"."""
    return str(out.hash_info.value) if out.hash_info else "missing"


def describe_difference(committed: Output, current: Output) -> str:
    """Describe how two versions of a directory or of a safetensors file differ; "" for other outputs."""
    is_directory = committed.hash_info.isdir and current.hash_info.isdir
    if not (committed.hash_info and committed.use_cache and (is_directory or current.fs_path.endswith(".safetensors"))):
        return ""
    cached = get_cached_object(committed)
    if not cached.is_present or cached.is_damaged:
        return "not compared: the committed version is missing from the cache or damaged"
    if is_directory:
        return list_changed_files(read_directory_listing(committed), read_directory_listing(current))
    return compare_tensors(cached.file, Path(current.fs_path))


def list_changed_files(committed: Tree, current: Tree) -> str:
    """List files that were added, deleted or modified, at most `MAX_FILES_SHOWN`."""
    entries = [{("/".join(key), hash_info.value) for key, _, hash_info in tree} for tree in (committed, current)]
    names = sorted({name for name, _ in entries[0] ^ entries[1]})
    more = [f"and {len(names) - MAX_FILES_SHOWN} more"] if len(names) > MAX_FILES_SHOWN else []
    return "files: " + ", ".join(names[:MAX_FILES_SHOWN] + more)


def compare_tensors(committed: Path, current: Path) -> str:
    """Describe the largest absolute difference between the tensors of two safetensors files."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        old, new = load_file(committed), load_file(current)
    except (SafetensorError, TypeError) as error:  # TypeError: numpy has no such dtype, for example bfloat16
        return f"not compared: {error}"
    if {name: tensor.shape for name, tensor in old.items()} != {name: tensor.shape for name, tensor in new.items()}:
        return "names or shapes of tensors differ"
    names = sorted(old)
    differences = np.array([np.abs(new[name].astype(float) - old[name].astype(float)).max(initial=0) for name in names])
    if not differences.any():
        return "tensors are equal"
    largest = differences.argmax()
    return f"largest difference {differences[largest]:.3g} in {names[largest]}"


def list_changed_metrics(reference: Mapping[str, object], current: Mapping[str, object]) -> list[tuple[str, ...]]:
    """Return a row for each metric that differs: name, both values, and the change or why it cannot be computed."""
    known = {name: value for name, value in reference.items() if not isinstance(value, NotInCacheError)}
    names = sorted(known.keys() | current.keys())
    comparisons = [compare_metric(name, known, current, Rule("same", 0)) for name in names]
    return [(*row[:3], row[3] or row[5]) for row, passed in comparisons if not passed]
