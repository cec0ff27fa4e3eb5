"""Check that the pipeline of HEAD gives the outputs of HEAD's dvc.lock again, bit for bit.

HEAD is cloned aside, and all its stages run there by force, with a cache of their own. Nothing of the project is
touched, and nothing used but its commits, and data of its cache that no stage makes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dvc.output import Output
from dvc.repo import Repo
from dvc_data.hashfile.tree import Tree

from checks.clone import bring_data, in_clone_of, run_pipeline, set_parameters
from checks.metrics import Rule, check_names, compare, judge, look_up, read_metrics, read_reference
from checks.objects import listing_of, object_of
from checks.project import (
    CannotTellError,
    is_inside,
    note_uncommitted,
    path_of,
    pipeline_stages,
    project_at,
    read_locks,
)
from checks.report import FAILS, HOLDS, Result

TOLERANCE = 0.007
TOLERANCE_IS = (
    "three standard deviations of this project's test accuracy over the seeds 0 to 4, which is 0.9427 +- 0.0022 "
    "(macro F1: +- 0.0022, calibration error: +- 0.0027, loss: +- 0.0055; native numerics in place of portable ones "
    "changed no metric of these five runs by more than 0.001)"
)

FILES_SHOWN = 5


def check(changes: Sequence[str], tolerances: Mapping[str, float]) -> Result:
    """Run HEAD's pipeline aside, and compare what it gives with what HEAD says.

    With `changes` of params.yaml, each as `key=value`, or with `tolerances` by the name of a metric ("" for all
    others), only the metrics are compared.
    """
    by_metrics = bool(changes or tolerances)
    before = read_reference("HEAD") if by_metrics else read_metrics("HEAD")
    check_names("--tolerance", tolerances.keys() - {""}, before)
    with project_at("HEAD") as repo:
        read_locks(repo)
        notes = note_uncommitted(repo)
        committed = outputs_of(repo)
        for path, out in committed.items():
            if not is_inside(out):
                raise CannotTellError(f"{path} lies outside the project: to run the pipeline would overwrite it")
        with in_clone_of(repo):
            bring_data(repo.cache.local_cache_dir)
            set_parameters(changes)
            run_pipeline()
            now = read_metrics("workspace")
            if by_metrics:
                return compare_metrics(before, now, tolerances, notes)
            with project_at("workspace") as clone:
                rows = compare_outputs(committed, outputs_of(clone))
    if rows:
        rows += differing_metrics(before, now)
        columns = ("what", "dvc.lock", "run again", "difference")
        return Result("reproduce", FAILS, "outputs of HEAD's pipeline differ from dvc.lock", columns, rows, notes)
    return Result("reproduce", HOLDS, f"{len(committed)} outputs came out as in dvc.lock, bit for bit", notes=notes)


def outputs_of(repo: Repo) -> dict[str, Output]:
    """List the outputs of all stages by their path."""
    return {path_of(out): out for stage in pipeline_stages(repo) for out in stage.outs}


def compare_metrics(
    before: Mapping[str, object], now: Mapping[str, object], tolerances: Mapping[str, float], notes: Sequence[str]
) -> Result:
    """Compare metrics by tolerance."""
    usual = tolerances.get("", TOLERANCE)
    judgements = compare(before, now, lambda name: Rule("same", look_up(name, tolerances, usual)))
    rows = [judgement.row for judgement in judgements]
    failed = sum(not judgement.holds for judgement in judgements)
    columns = ("metric", "HEAD", "run again", "change", "tolerance", "verdict")
    if failed:
        return Result(
            "reproduce", FAILS, f"{failed} of {len(rows)} metrics are beyond the tolerance", columns, rows, notes
        )
    return Result("reproduce", HOLDS, f"{len(rows)} metrics came out within the tolerance", columns, rows, notes)


def compare_outputs(committed: Mapping[str, Output], made: Mapping[str, Output]) -> list[tuple[str, ...]]:
    """Give a row for each output that is not the committed one."""
    return [
        (path, show_hash(out), show_hash(made[path]), explain(out, made[path]))
        for path, out in committed.items()
        if out.hash_info.value != made[path].hash_info.value
    ]


def show_hash(out: Output) -> str:
    """Write the hash of an output."""
    return str(out.hash_info.value) if out.hash_info else "nothing"


def explain(committed: Output, made: Output) -> str:
    """Say which files of a directory differ, or how far the tensors of a safetensors file do."""
    is_directory = committed.hash_info.isdir and made.hash_info.isdir
    if not (committed.hash_info and committed.use_cache and (is_directory or made.fs_path.endswith(".safetensors"))):
        return ""
    cached = object_of(committed)
    if not cached.is_present or cached.is_damaged:
        return "how far is not known: what was committed is not in the cache, or is damaged there"
    if is_directory:
        return differing_files(listing_of(committed), listing_of(made))
    return largest_difference(cached.file, Path(made.fs_path))


def differing_files(committed: Tree, made: Tree) -> str:
    """List the files that only one of two directories has, or that differ."""
    listings = [{("/".join(key), hash_info.value) for key, _, hash_info in tree} for tree in (committed, made)]
    names = sorted({name for name, _ in listings[0] ^ listings[1]})
    more = [f"and {len(names) - FILES_SHOWN} more"] if len(names) > FILES_SHOWN else []
    return "files: " + ", ".join(names[:FILES_SHOWN] + more)


def largest_difference(committed: Path, made: Path) -> str:
    """Say by how much the tensors of two safetensors files differ at most, and in which."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        old, new = load_file(committed), load_file(made)
    except (SafetensorError, TypeError) as error:  # TypeError: a type that numpy does not have, such as bfloat16
        return f"how far is not known: {error}"
    if {name: tensor.shape for name, tensor in old.items()} != {name: tensor.shape for name, tensor in new.items()}:
        return "tensors of other names or shapes"
    names = sorted(old)
    differences = np.array([np.abs(new[name].astype(float) - old[name].astype(float)).max(initial=0) for name in names])
    if not differences.any():
        return "the same tensors"
    largest = differences.argmax()
    return f"largest difference {differences[largest]:.3g}, in {names[largest]}"


def differing_metrics(before: Mapping[str, object], now: Mapping[str, object]) -> list[tuple[str, ...]]:
    """Give a row for each metric that is not the committed one."""
    judgements = [judge(name, before, now, Rule("same", 0)) for name in sorted(before.keys() | now.keys())]
    return [(*row[:3], row[3] or row[5]) for row, holds in judgements if not holds]
