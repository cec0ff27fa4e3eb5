"""The figures of a search, drawn by Optuna, and why one cannot be drawn yet."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import optuna
from optuna import visualization
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState
from plotly.io import to_html

from dvc_search.study import NOT_RUN
from dvc_search.task import Direction

# With fewer trials, parameters without any effect often get a third of the importance.
MIN_FOR_IMPORTANCE = 10
MAX_IN_PAIRS = 3  # parameters: the figure has a plot for each two of them
HEIGHT = 400
PLOT_WIDTH = 230  # pixels that a plot within a figure needs to be readable
LAYOUT = {
    "title": None,
    "margin": {"l": 60, "r": 20, "t": 30, "b": 60},
    "legend": {"orientation": "h", "yanchor": "bottom", "y": 1, "x": 0},
}


class Figure(NamedTuple):
    """A figure of the page.

    Attributes:
        title: its heading.
        html: the figure, without plotly; or a sentence that says why there is none.
        width: pixels that it needs; 0 if any width will do.
    """

    title: str
    html: str
    width: int


class Snapshot(optuna.Study):
    """A study of given trials, which keep their numbers: `Study.add_trials` would number them anew."""

    def __init__(self, trials: Sequence[FrozenTrial], directions: Sequence[Direction]) -> None:
        """Take the trials."""
        storage = InMemoryStorage()
        super().__init__(optuna.create_study(storage=storage, directions=directions).study_name, storage)
        self._given = trials

    def get_trials(self, deepcopy: bool = True, states: Any = None) -> list[FrozenTrial]:  # noqa: ARG002, FBT001
        """Return the trials, or those in some states."""
        return [trial for trial in self._given if states is None or trial.state in states]


def draw_figures(
    trials: Sequence[FrozenTrial], directions: Sequence[Direction], metrics: Sequence[str]
) -> list[Figure]:
    """Draw all figures of a search; `metrics` are the names of the values, and `trials` are without gaps."""
    study = Snapshot(trials, directions)
    run = [trial for trial in trials if NOT_RUN not in trial.user_attrs]
    has_steps = any(trial.intermediate_values for trial in trials)
    together = _draw(
        "Values by step",
        "" if has_steps else "No trial has reported values by step.",
        lambda: visualization.plot_intermediate_values(study).update_layout(showlegend=False, yaxis_title=metrics[0]),
    )
    if len(metrics) > 1:
        missing = "" if study.get_trials(states=(TrialState.COMPLETE,)) else "No trial is complete."
        missing = missing if len(metrics) < 4 else "This needs two or three metrics."
        names = list(metrics)
        together = _draw("Pareto front", missing, lambda: visualization.plot_pareto_front(study, target_names=names))
    timeline = _draw(
        "Timeline",
        "" if run else "There are no trials.",
        lambda: visualization.plot_timeline(Snapshot(run, directions)),
    )
    figures = [_draw_metric(study, number, metric) for number, metric in enumerate(metrics)]
    history, importance, *others = (list(each) for each in zip(*figures, strict=True))
    return [*history, together, *importance, timeline, *(figure for each in others for figure in each)]


def _draw_metric(study: Snapshot, number: int, metric: str) -> list[Figure]:
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    keys = sorted({key for trial in complete for key in trial.params})
    several = len(study.directions) > 1
    target: dict[str, Any] = {"target": lambda trial: trial.values[number]} if several else {}
    named = {"target_name": metric, **target}
    suffix = f": {metric}" if several else ""
    has_importances = len(complete) >= MIN_FOR_IMPORTANCE and len({trial.values[number] for trial in complete}) > 1
    importances: dict[str, float] = {}
    if has_importances:
        with contextlib.suppress(Exception):  # the figure below says which
            importances = optuna.importance.get_param_importances(study, **target)
    common = [key for key in importances or keys if all(key in trial.params for trial in complete)]  # to all branches
    paired = common[:MAX_IN_PAIRS]
    one = "" if complete else "No trial is complete."
    two = "" if len(complete) > 1 else "This needs two complete trials."
    return [
        _draw(f"History{suffix}", one, lambda: visualization.plot_optimization_history(study, **named)),
        _draw(
            f"Importance of parameters{suffix}",
            "" if has_importances else f"This needs {MIN_FOR_IMPORTANCE} complete trials with different values.",
            lambda: visualization.plot_param_importances(study, **named).update_layout(showlegend=False),
        ),
        _draw(f"Parameters{suffix}", one, lambda: visualization.plot_slice(study, **named), len(keys)),
        _draw(
            f"Pairs of parameters{suffix}",
            two or ("" if len(paired) > 1 else "This needs two parameters that all trials have."),
            lambda: visualization.plot_contour(study, params=paired, **named),
            len(paired) if len(paired) > 2 else 1,
            height=600 if len(paired) > 2 else HEIGHT,
        ),
        _draw(
            f"Parallel coordinates{suffix}",
            two,
            lambda: visualization.plot_parallel_coordinate(study, **named),
            2 + len(keys) // 2,
        ),
    ]


def _draw(title: str, missing: str, plot: Callable[[], Any], plots: int = 1, height: int = HEIGHT) -> Figure:
    """Draw a figure with so many plots side by side, unless a sentence says what is missing."""
    if missing:
        return Figure(title, f"<p>{missing}</p>", 0)
    options: dict[str, Any] = {"config": {"responsive": True, "displayModeBar": False}, "include_plotlyjs": False}
    try:
        figure = plot().update_layout(**LAYOUT)
        html = to_html(figure, full_html=False, default_height=height, **options)
    except Exception as error:  # noqa: BLE001 - of Optuna or plotly: no figure may end a search
        return Figure(title, f"<p>This cannot be drawn ({type(error).__name__}).</p>", 0)
    return Figure(title, html, PLOT_WIDTH * plots if plots > 1 else 0)
