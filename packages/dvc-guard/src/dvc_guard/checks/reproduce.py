"""Run the pipeline of HEAD again and compare the outputs with HEAD's dvc.lock.

All stages run in a temporary clone with an empty cache. Data that no stage writes is pulled from the project's cache.
"""

from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path

from dvc.dvcfile import LOCK_FILE
from dvc.exceptions import CheckoutError, InvalidArgumentError
from dvc.output import Output
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides

from dvc_guard.checks.metric_comparison import Rule, compare_metric, compare_metrics
from dvc_guard.checks.metrics import look_up, read_metrics, read_reference, validate_names
from dvc_guard.checks.output_comparison import compare_outputs
from dvc_guard.checks.report import FAILED, PASSED, Result
from dvc_guard.clone import clone_head, run_dvc
from dvc_guard.errors import GuardError, join_names
from dvc_guard.project import (
    NO_STAGES,
    NotInCacheError,
    get_path,
    get_stages,
    get_workspace_root,
    is_in_project,
    note_uncommitted_changes,
    open_project,
    read_lockfiles,
)
from dvc_guard.run.pipeline import PARAMS_YAML

REPRO_COMMAND = ("repro", "--force", "--no-run-cache", "--all-pipelines")


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
    if only_metrics and not reference:
        raise GuardError("HEAD has no metrics")
    validate_names("--tolerance", tolerances.keys() - {""}, reference)
    with open_project("HEAD") as repo:
        if not read_lockfiles(repo):
            return Result("reproduce", FAILED, f"HEAD has no {LOCK_FILE}; run dvc repro and commit {LOCK_FILE}")
        notes = note_uncommitted_changes(repo)
        committed = get_outputs(repo)
        for path, out in committed.items():
            if not is_in_project(out):
                raise GuardError(f"{path} is outside the project; running the pipeline would overwrite it")
        with clone_head(get_workspace_root(repo)) as root, chdir(root):
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


def pull_source_data(cache: str) -> None:
    """Pull data that no stage writes, such as files of `dvc add`, from the cache directory of another project.

    Raises:
        GuardError: Some of it is not there.
    """
    with Repo(config={"remote": {"original": {"url": cache, "verify": True}}}) as repo:
        sources = [stage for stage in repo.index.stages if stage.frozen or not stage.cmd]
        paths = [out.fs_path for stage in sources for out in stage.outs]
        try:
            if paths:
                repo.pull(paths, remote="original")
        except CheckoutError as error:
            missing = join_names(sorted(error.target_infos))
            raise GuardError(f"missing from the cache or damaged: {missing}; run dvc pull") from None


def set_parameters(changes: Sequence[str]) -> None:
    """Set keys of params.yaml, each given as `key=value`.

    Raises:
        GuardError: The key does not exist, or the text is not `key=value`.
    """
    for change in changes:
        try:
            apply_overrides(PARAMS_YAML, [change])
        except InvalidArgumentError:
            raise GuardError(f"--set {change}: must be KEY=VALUE with an existing key of {PARAMS_YAML}") from None


def run_pipeline() -> None:
    """Run all stages with `dvc repro`.

    Raises:
        GuardError: `dvc repro` failed.
    """
    status = run_dvc(Path(), *REPRO_COMMAND)
    if status:
        raise GuardError(f"dvc {' '.join(REPRO_COMMAND)} exited with {status} in a clone of HEAD")


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


def list_changed_metrics(reference: Mapping[str, object], current: Mapping[str, object]) -> list[tuple[str, ...]]:
    """Return a row for each metric that differs: name, both values, and the change or why it cannot be computed."""
    known = {name: value for name, value in reference.items() if not isinstance(value, NotInCacheError)}
    names = sorted(known.keys() | current.keys())
    comparisons = [compare_metric(name, known, current, Rule("same", 0)) for name in names]
    return [(*row[:3], row[3] or row[5]) for row, passed in comparisons if not passed]
