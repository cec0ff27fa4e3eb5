"""The charts of a search in Vega-Lite, made from search/templates."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from search.axis import LogAxis, ValueAxis
from search.formatting import format_parameters, format_value
from search.results import Result, Results

TEMPLATES = Path(__file__).parent / "templates"
# Color and shape of a trial by its state; those that must not be covered last.
STYLES = {
    "waiting": ("#9d9d9d", "square"),
    "running": ("#9d9d9d", "square"),
    "complete": ("#4c78a8", "circle"),
    "failed": ("#e45756", "triangle-down"),
    "pruned": ("#f58518", "cross"),
    "best": ("#222222", "diamond"),
}
Chart = dict[str, Any]
Row = dict[str, Any]


def draw_values(results: Results) -> Chart:
    """Draw the value of each trial, and the best so far."""
    drawn = _list_drawn(results)
    axis = ValueAxis(results.metric, results.is_maximized, [result.value for result in drawn])
    rows = _place(axis, drawn)
    best = [
        {"series": "best so far", "trial": result.number, "value": axis.place(result.value)}
        for result in results.list_best_so_far()
    ]
    best += [best[-1] | {"trial": results.all[-1].number}] if best else []
    domain = [results.all[0].number, results.all[-1].number]
    values = _describe(results, rows) | _describe_axis(axis)
    chart = _fill("values", values | {"data": rows, "best": best, "domain": domain})
    if not best:
        del chart["layer"][1]  # its empty legend has no size
    return chart


def draw_curves(results: Results) -> Chart:
    """Draw the values of each trial by step."""
    drawn = [result for result in _list_drawn(results) if result.curve]
    axis = LogAxis(results.metric, results.is_maximized, [result.curve for result in drawn])
    rows = [
        _make_row(result, value) | {"value": axis.place(value), "step": step}
        for result in drawn
        for step, value in result.curve.items()
    ]
    last = list({row["name"]: row for row in rows}.values())
    return _fill("curves", _describe(results, rows) | {"y": axis.encoding, "data": rows, "last": last})


def draw_parameter(results: Results, key: str, distribution: BaseDistribution) -> Chart:
    """Draw a parameter against the value."""
    drawn = [result for result in _list_drawn(results) if key in result.trial.params]
    axis = ValueAxis(results.metric, results.is_maximized, [result.value for result in drawn])
    rows = _place(axis, drawn)
    is_nominal = isinstance(distribution, CategoricalDistribution)
    for row, result in zip(rows, drawn, strict=True):
        row["parameter"] = format_value(result.trial.params[key]) if is_nominal else result.trial.params[key]
    values = _describe(results, rows) | _describe_axis(axis)
    return _fill("parameter", values | {"data": rows, "x": _describe_parameter(key, distribution), "key": key})


def draw_importances(importances: Mapping[str, float]) -> Chart:
    """Draw how much the value depends on each parameter."""
    rows = [{"parameter": key, "importance": value} for key, value in importances.items()]
    return _fill("importance", {"data": rows})


def _list_drawn(results: Results) -> list[Result]:
    drawn = [result for result in results.all if result.value is not None or result.state not in ("running", "waiting")]
    return sorted(drawn, key=lambda result: list(STYLES).index(result.state))


def _place(axis: ValueAxis, drawn: Sequence[Result]) -> list[Row]:
    return [_make_row(result, result.value) | {"value": axis.place(result.value)} for result in drawn]


def _make_row(result: Result, value: float | None) -> Row:
    text = "no value" if value is None else format_value(value)
    return {
        "trial": result.number,
        "name": result.name,
        "state": result.state,
        "text": text,
        "parameters": format_parameters(result.trial.params),
        "description": f"{result.name}, {result.state}, {text}",
    }


def _describe_axis(axis: ValueAxis) -> dict[str, Any]:
    return {"y": axis.encoding, "edge": _fill("edge", {"edges": axis.edges})}


def _describe(results: Results, rows: Sequence[Row]) -> dict[str, Any]:
    """Describe how trials are drawn, by the names in the templates."""
    present = {row["state"] for row in rows}
    states = [state for state in reversed(STYLES) if state in present]
    colors, shapes = zip(*(STYLES[state] for state in states), strict=True)
    tooltip = {"name": "trial", "state": "state", "text": results.metric, "parameters": "parameters"}
    return {
        "color": {"domain": states, "range": colors},
        "shape": {"domain": states, "range": shapes},
        "tooltip": [{"field": field, "type": "nominal", "title": title} for field, title in tooltip.items()],
    }


def _describe_parameter(key: str, distribution: BaseDistribution) -> dict[str, Any]:
    """Describe the axis of a parameter, with all values that it can take."""
    if isinstance(distribution, CategoricalDistribution):
        choices = [format_value(choice) for choice in distribution.choices]
        angle = 0 if sum(map(len, choices)) < 30 else -40
        return {
            "field": "parameter",
            "type": "nominal",
            "title": key,
            "axis": {"labelAngle": angle, "labelLimit": 150},
            "scale": {"domain": choices},
        }
    number: Any = distribution
    axis: dict[str, Any] = {"grid": False, "format": "~g", "tickCount": 4, "labelOverlap": "greedy"}
    if isinstance(distribution, IntDistribution) and not distribution.log:
        axis["labelExpr"] = "datum.value % 1 ? '' : datum.label"
    scale = {"type": "log" if number.log else "linear", "domain": [number.low, number.high]}
    title = f"{key} (log scale)" if number.log else key
    return {
        "field": "parameter",
        "type": "quantitative",
        "title": title,
        "axis": axis,
        "scale": scale | {"nice": False, "padding": 8},
    }


def _fill(name: str, values: dict[str, Any]) -> Chart:
    """Replace each string "$name" of a template by the value of that name."""

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: fill(value) for key, value in node.items()}
        if isinstance(node, list):
            return [fill(value) for value in node]
        return values[node[1:]] if isinstance(node, str) and node.startswith("$") else node

    chart: Chart = fill(json.loads((TEMPLATES / f"{name}.json").read_text(encoding="utf-8")))
    return chart
