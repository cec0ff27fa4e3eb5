"""The page of a search: figures and a table of all trials, in one HTML file that needs no network."""

import contextlib
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from string import Template

from optuna.trial import FrozenTrial, TrialState
from plotly.offline import get_plotlyjs

from dvc_search.configuration import Configuration
from dvc_search.errors import SearchError
from dvc_search.figures import draw_figures
from dvc_search.lock import FOLDER
from dvc_search.parameters import format_parameters, format_value
from dvc_search.repository import Source, list_experiments, make_apply_command
from dvc_search.study import ERROR, Study

SECONDS = 5.0  # from one writing of the page to the next, and from one reload to the next
MAX_SHARE = 0.05  # of the time of the search that may be spent on its page
OTHERS = (TrialState.RUNNING, TrialState.WAITING, TrialState.PRUNED, TrialState.FAIL)  # below the complete trials
STATES = {TrialState.FAIL: "failed"}  # the others have the names of Optuna
TEMPLATE = Path(__file__).with_name("page.html")


class Page:
    """The page of a search, .dvc/tmp/search/NAME.html, which is written again while the search runs.

    Attributes:
        experiments: names of those that there are, once all trials have ended; the user may have removed some.
        path: the file.
    """

    def __init__(self, configuration: Configuration, study: Study, source: Source) -> None:
        """Show the trials of `study`, whose experiments are based on the commit of `source`."""
        self._configuration = configuration
        self._study = study
        self._source = source
        self._due = 0.0
        self.experiments: set[str] | None = None
        self.path = (FOLDER / f"{configuration.name}.html").absolute()

    def update(self) -> None:
        """Write the page of a running search, unless that was done a moment ago; an error can wait for its end."""
        if time.monotonic() >= self._due:
            with contextlib.suppress(SearchError):
                self.write(is_running=True)

    def write(self, *, is_running: bool) -> None:
        """Write the page.

        Raises:
            SearchError: it cannot be written.
        """
        start = time.monotonic()
        text = self.make(is_running=is_running)
        temporary = self.path.with_suffix(".html.tmp")  # a browser may read the page now
        try:
            FOLDER.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self.path)
        except OSError as error:
            raise SearchError(f"{self.path}: cannot be written: {error.strerror}") from None
        finally:
            end = time.monotonic()
            self._due = end + max(SECONDS, (end - start) / MAX_SHARE)

    def make(self, *, is_running: bool) -> str:
        """Return the HTML of the page; that of a running search reloads itself."""
        trials = self._study.list_counted()
        figures = draw_figures(self._study.list_trials(), self._configuration.direction, self._configuration.metric.key)
        lines = self._summarize(trials)
        if is_running:
            lines.append(f"This page was written at {datetime.now():%H:%M:%S}; it is updated while the search runs.")  # noqa: DTZ005
        return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
            title=escape(f"Search {self._configuration.name}"),
            reload=f'<meta http-equiv="refresh" content="{SECONDS:.0f}">' if is_running else "",
            plotly=get_plotlyjs(),
            summary="".join(f"<p>{escape(line)}</p>\n" for line in lines),
            table=self._make_table(trials),
            figures="\n".join(
                f'<section class="{"wide" if width else ""}"><h2>{title}</h2>'
                f'<div class="box"><div style="min-width: {width}px">{html}</div></div></section>'
                for title, html, width in figures
            ),
        )

    def _summarize(self, trials: list[FrozenTrial]) -> list[str]:
        counts = Counter(map(self._name_state, trials))
        lines = ["Trials: " + (", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none")]
        complete = self._study.list_best(len(trials))
        for best in [trial for trial in complete if not self._is_removed(trial)][:1]:
            metric = f"{self._configuration.metric.key} ({self._configuration.direction})"
            lines.append(f"Best {metric}: {format_value(best.value)}, {self._name(best)}")
        if self._configuration.fixed:
            lines.append(f"Fixed: {format_parameters(self._configuration.fixed)}")
        return [*lines, f"Commit: {self._source.commit[:7]}"]

    def _make_table(self, trials: list[FrozenTrial]) -> str:
        commits = list_experiments(self._source, self._configuration.name)
        varying = (parameter for parameter in self._configuration.space if parameter.distribution or parameter.when)
        keys = list(dict.fromkeys(parameter.key for parameter in varying))
        columns = [
            "trial",
            "state",
            self._configuration.metric.key,
            *keys,
            "duration",
            "commit",
            "command or error",
        ]
        best = self._study.list_best(len(trials))
        others = [trial for state in OTHERS for trial in trials if trial.state == state]
        rows = [self._make_row(trial, keys, commits) for trial in [*best, *others]]
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
        return f'<div class="box table"><table>\n<tr>{head}</tr>\n{body}</table></div>'

    def _make_row(self, trial: FrozenTrial, keys: list[str], commits: Mapping[str, str]) -> list[str]:
        name, values = self._name(trial), self._study.get_values(trial)
        value = trial.value if trial.state == TrialState.COMPLETE else _find_last(trial)
        is_there = trial.state == TrialState.COMPLETE and not self._is_removed(trial)
        command = make_apply_command(self._source, name) if is_there else ""
        start, end = trial.datetime_start, trial.datetime_complete or datetime.now()  # noqa: DTZ005 - as Optuna has it
        cells = [
            name,
            self._name_state(trial),
            "" if value is None else format_value(value),
            *(format_value(values[key]) if key in values else "" for key in keys),
            str(timedelta(seconds=round((end - start).total_seconds()))) if start else "",
            commits.get(name, "")[:7],
        ]
        error = escape(str(trial.user_attrs.get(ERROR, "")))
        return [*map(escape, cells), f"<code>{escape(command)}</code>" if command else error]

    def _name_state(self, trial: FrozenTrial) -> str:
        if trial.state == TrialState.RUNNING and self.experiments is not None:
            return "not ended"
        return "removed" if self._is_removed(trial) else STATES.get(trial.state, trial.state.name.lower())

    def _is_removed(self, trial: FrozenTrial) -> bool:
        is_complete = trial.state == TrialState.COMPLETE
        return is_complete and self.experiments is not None and self._name(trial) not in self.experiments

    def _name(self, trial: FrozenTrial) -> str:
        return f"{self._configuration.name}-{trial.number}"


def _find_last(trial: FrozenTrial) -> float | None:
    """Return the value that a trial has reported last."""
    return trial.intermediate_values[max(trial.intermediate_values)] if trial.intermediate_values else None
