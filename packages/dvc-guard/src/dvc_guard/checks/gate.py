"""Compare the metrics of two revisions.

The check fails if a metric is worse by more than its allowance, missing or not a finite number. `dvc metrics diff`
exits with 0 in all these cases.
"""

import re
from collections.abc import Mapping

from dvc_guard.checks.metric_comparison import Rule, compare_metrics
from dvc_guard.checks.metrics import look_up, read_pulled_metrics, read_reference, validate_names
from dvc_guard.checks.report import FAILED, PASSED, Result

DIRECTIONS = ("higher", "lower", "any")
LOWER_IS_BETTER = re.compile("loss|error|mae|mse|perplexity", re.IGNORECASE)


def check(base: str, head: str, allowances: Mapping[str, float], directions: Mapping[str, str]) -> Result:
    """Compare the metrics of `head` with those of `base`; each is a Git revision or "workspace".

    `allowances` and `directions` are by metric name; the allowance of "" is the default for all other metrics.
    """
    reference, current = read_reference(base), read_pulled_metrics(head)
    validate_names("--allow", allowances.keys() - {""}, reference | current)
    validate_names("--direction", set(directions), reference | current)

    def get_rule(name: str) -> Rule:
        default = "lower" if LOWER_IS_BETTER.search(name.rpartition(":")[2]) else "higher"
        return Rule(look_up(name, directions, default), look_up(name, allowances, allowances.get("", 0.0)))

    comparisons = compare_metrics(reference, current, get_rule)
    rows = [comparison.row for comparison in comparisons]
    failed = sum(not comparison.passed for comparison in comparisons)
    columns = ("metric", "base", "head", "change", "allowed", "verdict")
    if failed:
        return Result("gate", FAILED, f"{failed} of {len(rows)} metrics failed compared with {base}", columns, rows)
    return Result("gate", PASSED, f"{len(rows)} metrics passed compared with {base}", columns, rows)
