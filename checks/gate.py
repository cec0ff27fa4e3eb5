"""Check that no metric is worse than at another commit.

A metric that is worse by more than its allowance fails, and so does one that is missing or not a finite number.
`dvc metrics diff` exits with 0 on each of these.
"""

import re
from collections.abc import Mapping

from checks.metrics import Rule, check_names, compare, look_up, read_metrics, read_reference
from checks.report import FAILS, HOLDS, Result

DIRECTIONS = ("higher", "lower", "any")
LOWER_IS_BETTER = re.compile("loss|error|mae|mse|perplexity", re.IGNORECASE)


def check(base: str, head: str, allowances: Mapping[str, float], directions: Mapping[str, str]) -> Result:
    """Compare the metrics of `head`, a commit or "workspace", with those of `base`.

    `allowances` and `directions` go by the name of a metric; the allowance of "" is that of all others.
    """
    before, now = read_reference(base), read_metrics(head)
    check_names("--allow", allowances.keys() - {""}, before | now)
    check_names("--direction", set(directions), before | now)

    def rule(name: str) -> Rule:
        usual = "lower" if LOWER_IS_BETTER.search(name.rpartition(":")[2]) else "higher"
        return Rule(look_up(name, directions, usual), look_up(name, allowances, allowances.get("", 0.0)))

    judgements = compare(before, now, rule)
    rows = [judgement.row for judgement in judgements]
    failed = sum(not judgement.holds for judgement in judgements)
    columns = ("metric", "base", "head", "change", "allowed", "verdict")
    if failed:
        return Result("gate", FAILS, f"{failed} of {len(rows)} metrics fail against {base}", columns, rows)
    return Result("gate", HOLDS, f"none of {len(rows)} metrics is worse than at {base}", columns, rows)
