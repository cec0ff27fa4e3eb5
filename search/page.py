"""The page of a search: charts and the best trials, in one HTML file that needs no network."""

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from string import Template

import vl_convert
from optuna.trial import FrozenTrial

from search import charts
from search.configuration import Configuration
from search.errors import SearchError
from search.formatting import format_parameters, format_value
from search.lock import FOLDER
from search.results import MIN_FOR_IMPORTANCE, Results
from search.study import ERROR

TEMPLATE = charts.TEMPLATES / "page.html"
ROWS = 10


def write_page(configuration: Configuration, trials: Sequence[FrozenTrial]) -> Path:
    """Write .dvc/tmp/search/NAME.html, and return its path.

    Raises:
        SearchError: it cannot be written.
    """
    path = FOLDER / f"{configuration.name}.html"
    temporary = path.with_suffix(".html.tmp")  # a browser may read the page now
    page = make_page(configuration, trials)
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        temporary.write_text(page, encoding="utf-8")
        return temporary.replace(path)
    except OSError as error:
        raise SearchError(f"{path}: cannot be written: {error.strerror}") from None


def make_page(configuration: Configuration, trials: Sequence[FrozenTrial]) -> str:
    """Return the HTML of the page; `trials` are all of the search, in any state."""
    results = Results(configuration, trials)
    drawn, notes = _draw(results)
    blocks = {key: f'<div id="{key}"></div>' for key in drawn}
    parameters = "".join(block for key, block in blocks.items() if key not in ("values", "curves"))
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"Search {configuration.name}"),
        vega=_bundle_vega(),
        summary="<br>".join(map(escape, [*_summarize(results, configuration), *notes])),
        overview=blocks.get("values", "") + blocks.get("curves", ""),
        best=_make_best_table(results),
        parameters=parameters,
        failed=_make_failed_table(results),
        charts=json.dumps(drawn, allow_nan=False).replace("<", "\\u003c"),  # no </script> within the script
    )


@cache
def _bundle_vega() -> str:
    """Return Vega in a function: its script has many short global names."""
    return f"(() => {{{vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;')}}})();"


def _draw(results: Results) -> tuple[dict[str, charts.Chart], list[str]]:
    """Draw the charts, by their id in the page, and say which of them need more trials."""
    drawn: dict[str, charts.Chart] = {}
    if not any(result.value is not None for result in results.all):
        return drawn, ["No trial has a value."]
    drawn["values"] = charts.draw_values(results)
    notes = []
    if any(result.curve for result in results.all):
        drawn["curves"] = charts.draw_curves(results)
    else:
        notes.append("No trial has reported values by step.")
    if importances := results.get_importances():
        drawn["importances"] = charts.draw_importances(importances)
    else:
        needed = f"{MIN_FOR_IMPORTANCE} complete trials with different values"
        notes.append(f"The importance of parameters needs {needed}.")
    trials = [result.trial for result in results.all if result.value is not None]
    distributions = {key: distribution for trial in trials for key, distribution in trial.distributions.items()}
    for number, (key, distribution) in enumerate(distributions.items()):
        drawn[f"parameter-{number}"] = charts.draw_parameter(results, key, distribution)
    return drawn, notes


def _summarize(results: Results, configuration: Configuration) -> list[str]:
    states = Counter("complete" if result.state == "best" else result.state for result in results.all)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    lines = [f"Trials: {counts or 'none'}"]
    if results.ranking:
        best = results.ranking[0]
        lines.append(f"Best {results.metric} ({configuration.direction}): {format_value(best.value)}, {best.name}")
    if configuration.fixed:
        lines.append(f"Fixed: {format_parameters(configuration.fixed)}")
    return lines


def _make_best_table(results: Results) -> str:
    best = results.ranking[:ROWS]
    keys = list(dict.fromkeys(key for result in best for key in result.trial.params))
    rows = [
        [
            format_value(result.value),
            f"dvc exp apply {result.name}",
            *(format_value(result.trial.params.get(key, "")) for key in keys),
        ]
        for result in best
    ]
    return _make_table("Best trials", [results.metric, "command", *keys], rows)


def _make_failed_table(results: Results) -> str:
    failed = [result for result in results.all if result.state == "failed"][-ROWS:]
    rows = [
        [result.name, str(result.trial.user_attrs.get(ERROR, "")), format_parameters(result.trial.params)]
        for result in failed
    ]
    return _make_table("Failed trials", ["trial", "error", "parameters"], rows)


def _make_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<h2>{escape(title)}</h2>\n<table>\n<tr>{head}</tr>\n{body}</table>\n"
