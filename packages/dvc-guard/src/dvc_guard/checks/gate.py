"""Compare the metrics of two revisions.

The check fails if a metric is worse by more than its allowance, missing or not a finite number. `dvc metrics diff`
exits with 0 in all these cases.
"""

import re
from collections.abc import Mapping
from itertools import takewhile

from dvc_guard.checks.metric_comparison import Rule, compare_metrics
from dvc_guard.checks.metrics import look_up, read_pulled_metrics, read_reference, validate_names
from dvc_guard.checks.parameters import read_all_parameters
from dvc_guard.checks.report import FAILED, PASSED, Result
from dvc_guard.errors import GuardError, join_names

DIRECTIONS = ("higher", "lower", "any")
# Words, and ends of words (logloss, rmse, runtime), in the names of metrics that are better when lower.
LOWER_WORDS = {"wer", "cer", "ece", "mce", "brier", "perplexity", "nll", "fid", "fpr", "fnr", "bytes", "seconds", "ms"}
LOWER_ENDS = ("loss", "losses", "error", "mse", "mae", "mape", "msle", "time", "duration", "latency", "size")
COLUMNS = ("metric", "base", "head", "change", "better", "allowed", "verdict")


def check(
    base: str, head: str, allowances: Mapping[str, float], directions: Mapping[str, str], *, strict: bool = False
) -> Result:
    """Compare the metrics of `head` with those of `base`; each is a Git revision or "workspace".

    `allowances` and `directions` are by metric name; the allowance of "" is the default for all other metrics. With
    `strict`, it is an error if `base` has no metrics.
    """
    reference, current = read_reference(base), read_pulled_metrics(head)
    summary = "" if reference else f"{base} has no metrics; nothing to compare"
    if strict and summary:
        raise GuardError(summary)
    if reference or current:
        validate_names("--allow", allowances.keys() - {""}, reference | current)
        validate_names("--direction", set(directions), reference | current)

    def get_rule(name: str) -> Rule:
        direction = look_up(name, directions, guess_direction(name.rpartition(":")[2]))
        return Rule(direction, look_up(name, allowances, allowances.get("", 0.0)))

    comparisons = compare_metrics(reference, current, get_rule)
    rows = [(*row[:4], get_rule(row[0]).direction, *row[4:]) for row, _ in comparisons]
    notes = note_changed_parameters(base, head) if reference else []
    failed = sum(not comparison.passed for comparison in comparisons)
    if failed:
        summary = f"{failed} of {len(rows)} metrics failed compared with {base}"
        return Result("gate", FAILED, summary, COLUMNS, rows, notes)
    return Result("gate", PASSED, summary or f"{len(rows)} metrics passed compared with {base}", COLUMNS, rows, notes)


def guess_direction(key: str) -> str:
    """Guess from the key of a metric, such as `test.loss`, whether lower or higher is better."""
    words = re.sub("([a-z])([A-Z])", r"\1_\2", key).lower()
    measured = list(takewhile(lambda word: word != "per", re.findall("[a-z]+", words)))  # images_per_second
    if "neg" in measured:  # scikit-learn's neg_mean_squared_error
        return "higher"
    ends = [word for each in measured for word in (each, each.removesuffix("s"))]
    return "lower" if any(word in LOWER_WORDS or word.endswith(LOWER_ENDS) for word in ends) else "higher"


def note_changed_parameters(base: str, head: str) -> list[str]:
    """Return a note that lists the parameters that differ: with another data set, say, metrics are not comparable."""
    old, new = read_all_parameters(base), read_all_parameters(head)
    changed = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return [f"Parameters that differ from {base}: {join_names(changed)}"] if changed else []
