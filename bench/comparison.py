"""Rows of the results table: a measured value, a reference value, their ratio, and whether it meets a target."""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MET = {True: "yes", False: "**no**"}


class Row(NamedTuple):
    """The cells of a row, formatted."""

    what: str
    measured: str
    reference: str
    ratio: str
    target: str
    met: str


class Ratio(NamedTuple):
    """The ratio of the medians, and the smallest and the largest ratio of a round."""

    of_medians: float
    smallest: float
    largest: float

    def __str__(self) -> str:
        """Format as "0.400 (0.364 to 0.500)"."""
        return f"{format_number(self.of_medians)} ({format_number(self.smallest)} to {format_number(self.largest)})"


def compute_ratio(measured: Sequence[float], reference: Sequence[float]) -> Ratio:
    """Divide measured by reference values; each sequence has one value per round.

    Raises:
        ValueError: the sequences differ in length.
    """
    ratios = [numerator / denominator for numerator, denominator in zip(measured, reference, strict=True)]
    return Ratio(statistics.median(measured) / statistics.median(reference), min(ratios), max(ratios))


def compare(
    what: str, measured: Sequence[float], reference: Sequence[float], unit: str, at_most: float | None = None
) -> Row:
    """Build a row; `at_most` is the target, the largest acceptable ratio of the medians."""
    ratio = compute_ratio(measured, reference)
    target = "" if at_most is None else f"at most {at_most:.3g}"
    met = "" if at_most is None else MET[ratio.of_medians <= at_most]
    return Row(what, format_median(measured, unit), format_median(reference, unit), str(ratio), target, met)


def format_median(values: Sequence[float], unit: str) -> str:
    """Format as "4.00 s"."""
    return f"{format_number(statistics.median(values))} {unit}"


def compare_accuracies(what: str, measured: Sequence[float], reference: Sequence[float]) -> Row:
    """Build a row for the accuracies, from 0 to 1, of two programs over the same seeds.

    The target is that their ranges overlap. With 5 seeds each, the ranges of two equally accurate programs are disjoint
    with a probability of 2/252.
    """
    overlap = max(min(measured), min(reference)) <= min(max(measured), max(reference))
    ratio = compute_ratio(measured, reference)
    return Row(what, format_mean(measured), format_mean(reference), str(ratio), "ranges overlap", MET[overlap])


def format_mean(accuracies: Sequence[float]) -> str:
    """Format mean and standard deviation as "95.50% ± 0.71%"."""
    return f"{statistics.mean(accuracies):.2%} ± {statistics.stdev(accuracies):.2%}"


def format_number(value: float) -> str:
    """Format with three significant digits; from 1000 on, as an integer with thousands separators."""
    return f"{value:#.3g}".removesuffix(".") if abs(value) < 1000 else f"{value:,.0f}"


def to_markdown(rows: Iterable[Row]) -> str:
    """Format rows as a Markdown table with a header."""
    header = Row("what", "measured", "reference", "ratio (min to max)", "target", "met?")
    lines = [header, Row(*["---"] * len(header)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
