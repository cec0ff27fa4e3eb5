"""The axis of values in the charts of a search."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


class ValueAxis:
    """Leaves out values that would squeeze the better ones: they are drawn at an edge, as are trials without a value.

    Attributes:
        encoding: the axis in Vega-Lite.
        edges: the label of the edge and where it is, or nothing if no value is left out.
    """

    def __init__(self, metric: str, is_maximized: bool, values: Sequence[float | None]) -> None:  # noqa: FBT001
        """Give the better half of the values at least a third of the axis.

        Args:
            metric: title of the axis.
            is_maximized: whether higher values are better.
            values: all values, and None for each trial without one.
        """
        self._sign = sign = 1 if is_maximized else -1
        scores = sorted((sign * value for value in values if value is not None), reverse=True) or [0.0]
        best, median, worst = scores[0], scores[len(scores) // 2], scores[-1]
        self._limit = max(worst, best - 3 * (best - median)) if best > median else worst
        labels = ["no value"] if None in values else []
        if worst < self._limit:
            labels.append(f"{'<' if is_maximized else '>'} {sign * self._limit:.4g}")
        span = best - self._limit or abs(best) / 10 or 1.0
        self._edge = self._limit - (0.12 * span if labels else 0)
        self.edges: list[dict[str, Any]] = (
            [{"limit": sign * self._limit, "value": sign * self._edge, "label": "\n".join(labels)}] if labels else []
        )
        axis: dict[str, Any] = {"minExtent": 50, "tickCount": 6}
        if labels:  # no number beyond the limit, where the position says nothing
            axis["labelExpr"] = f"{sign} * datum.value < {self._limit - span / 1e6} ? '' : datum.label"
        self.encoding = {
            "field": "value",
            "type": "quantitative",
            "title": metric,
            "axis": axis,
            "scale": {"domain": _widen(sign * self._edge, sign * best), "nice": False, "zero": False, "padding": 8},
        }

    def place(self, value: float | None) -> float:
        """Return where a value is drawn."""
        is_beyond = value is None or self._sign * value < self._limit
        return self._sign * self._edge if value is None or is_beyond else value


def _widen(first: float, second: float) -> list[float]:
    """Order the ends of an axis; a single value stands in its middle."""
    low, high = sorted((first, second))
    margin = 0.0 if low < high else abs(low) / 100 or 1.0
    return [low - margin, high + margin]


class LogAxis:
    """Has the logarithm of the distance to the best value: the first steps of a curve must not squeeze the last.

    Attributes:
        encoding: the axis in Vega-Lite.
    """

    def __init__(self, metric: str, is_maximized: bool, curves: Sequence[Mapping[int, float]]) -> None:  # noqa: FBT001
        """Fit the axis to curves.

        Args:
            metric: title of the axis.
            is_maximized: whether higher values are better.
            curves: curves that are not empty: values by step.
        """
        values = [value for curve in curves for value in curve.values()]
        self._best = max(values) if is_maximized else min(values)
        last = sorted(self.place(list(curve.values())[-1]) for curve in curves)
        longest = max(map(self.place, values)) or 1.0
        constant = last[len(last) // 2] / 4 or longest / 100  # below it the axis is linear, for there is a 0
        sign = 1 if is_maximized else -1
        self.encoding = {
            "field": "value",
            "type": "quantitative",
            "title": f"{metric} (log scale)",
            "axis": {
                "minExtent": 50,
                "values": self._list_ticks(sign, constant, longest),
                "labelExpr": f"format({self._best} - {sign} * datum.value, '.6~g')",
                "labelOverlap": "greedy",
            },
            "scale": {
                "type": "symlog",
                "constant": constant,
                "domain": [0, longest],
                "reverse": is_maximized,
                "nice": False,
                "padding": 8,
            },
        }

    def place(self, value: float) -> float:
        """Return where a value is drawn: its distance to the best."""
        return abs(self._best - value)

    def _list_ticks(self, sign: int, shortest: float, longest: float) -> list[float]:
        """List round values whose distances are roughly 1, 2, 5, 10, 20, 50 and so on times a power of ten."""
        exponents = range(math.floor(math.log10(shortest)), math.ceil(math.log10(longest)) + 1)
        values = [
            round(self._best - sign * factor * 10.0**exponent, -exponent)
            for exponent in exponents
            for factor in (1, 2, 5)
        ]
        distances = {sign * (self._best - value) for value in values}
        return sorted(distance for distance in distances if 0 <= distance <= longest)
