"""Compare ours with another's: a row of the table says both, the ratio, and whether it meets its target."""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MET = {True: "yes", False: "**no**"}


class Row(NamedTuple):
    """A row of the table, by columns."""

    what: str
    ours: str
    other: str
    ratio: str
    target: str
    met: str


class Ratio(NamedTuple):
    """The ratio of two medians, and the smallest and the largest ratio within a round."""

    of_medians: float
    smallest: float
    largest: float

    def __str__(self) -> str:
        """Write it for the table."""
        return f"{shorten(self.of_medians)} ({shorten(self.smallest)} to {shorten(self.largest)})"


def compute_ratio(ours: Sequence[float], other: Sequence[float]) -> Ratio:
    """Compare what was measured by turns, one of each a round."""
    pairs = [numerator / denominator for numerator, denominator in zip(ours, other, strict=True)]
    return Ratio(statistics.median(ours) / statistics.median(other), min(pairs), max(pairs))


def compare(what: str, ours: Sequence[float], other: Sequence[float], unit: str, at_most: float | None = None) -> Row:
    """Make a row; the target, if there is one, is a ratio of `at_most` that."""
    ratio = compute_ratio(ours, other)
    our_median, other_median = (f"{shorten(statistics.median(values))} {unit}" for values in (ours, other))
    if at_most is None:
        return Row(what, our_median, other_median, str(ratio), "", "")
    return Row(what, our_median, other_median, str(ratio), f"at most {at_most:.3g}", MET[ratio.of_medians <= at_most])


def compare_accuracies(what: str, ours: Sequence[float], other: Sequence[float]) -> Row:
    """Make a row of two programs' accuracies, from 0 to 1, over the same seeds.

    They are the same within their spread if their ranges overlap. With 5 seeds each, ranges of equally accurate
    programs would lie apart in 2 of 252 cases.
    """
    overlap = max(min(ours), min(other)) <= min(max(ours), max(other))
    our_spread, other_spread = (
        f"{statistics.mean(values):.2%} ± {statistics.stdev(values):.2%}" for values in (ours, other)
    )
    return Row(what, our_spread, other_spread, str(compute_ratio(ours, other)), "ranges overlap", MET[overlap])


def shorten(value: float) -> str:
    """Write a number with three significant digits, or all before the point."""
    return f"{value:#.3g}".removesuffix(".") if abs(value) < 1000 else f"{value:,.0f}"


def to_markdown(rows: Iterable[Row]) -> str:
    """Write rows as a table."""
    header = Row("what", "ours", "other", "ratio (min to max)", "target", "met?")
    lines = [header, Row(*["---"] * len(header)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
