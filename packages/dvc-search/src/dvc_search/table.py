"""The table of a search's page: all trials, the best first."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from html import escape

from optuna.trial import FrozenTrial, TrialState

from dvc_search.configuration import Configuration
from dvc_search.repository import Source, list_experiments, make_apply_command
from dvc_search.study import ERROR, Study
from dvc_search.values import format_value

STATES = {  # in this order, below the best trials
    TrialState.COMPLETE: "complete",
    TrialState.RUNNING: "running",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


class Table:
    """A table with a row for each trial."""

    def __init__(
        self, configuration: Configuration, study: Study, source: Source, experiments: Collection[str] | None
    ) -> None:
        """Show trials of `study`; `experiments` are the names of those that there are, once all trials have ended."""
        self._configuration = configuration
        self._study = study
        self._source = source
        self._experiments = experiments
        self._metrics = [metric.key for metric in configuration.metrics]

    def make(self, trials: list[FrozenTrial]) -> str:
        """Return the table in HTML."""
        commits = list_experiments(self._source, self._configuration.name)
        varying = (parameter for parameter in self._configuration.space if parameter.distribution or parameter.when)
        keys = list(dict.fromkeys(parameter.key for parameter in varying))
        columns = ["trial", "state", *self._metrics, *keys, "duration", "commit", "command or error"]
        best = self._study.list_best()
        first = {trial.number for trial in best}
        others = [trial for state in STATES for trial in trials if trial.state == state and trial.number not in first]
        rows = [self._make_row(trial, keys, commits) for trial in [*best, *others]]
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
        return f'<div class="box table"><table>\n<tr>{head}</tr>\n{body}</table></div>'

    def _make_row(self, trial: FrozenTrial, keys: list[str], commits: Mapping[str, str]) -> list[str]:
        name, values = f"{self._study.name}-{trial.number}", self._study.get_values(trial)
        names = self._study.list_names(trial)
        is_complete = trial.state == TrialState.COMPLETE
        reported = [_find_last(trial), *("" for _ in self._metrics[1:])]
        metrics = self._study.format_metrics(trial) if is_complete else reported
        is_there = is_complete and not self.is_removed(trial)
        command = make_apply_command(self._source, names[0]) if is_there else ""
        start, end = trial.datetime_start, trial.datetime_complete or datetime.now()  # noqa: DTZ005 - as Optuna has it
        cells = [
            name,
            self.name_state(trial),
            *metrics,
            *(format_value(values[key]) if key in values else "" for key in keys),
            str(timedelta(seconds=round((end - start).total_seconds()))) if start else "",
            " ".join(commits[name][:7] for name in names if name in commits),
        ]
        error = escape(str(trial.user_attrs.get(ERROR, "")))
        return [*map(escape, cells), f"<code>{escape(command)}</code>" if command else error]

    def name_state(self, trial: FrozenTrial) -> str:
        """Return the state of a trial in a word or two."""
        if trial.state == TrialState.RUNNING and self._experiments is not None:
            return "not ended"
        return "removed" if self.is_removed(trial) else STATES[trial.state]

    def is_removed(self, trial: FrozenTrial) -> bool:
        """Return whether the user has removed the experiment of a trial."""
        if trial.state != TrialState.COMPLETE or self._experiments is None:
            return False
        return self._study.list_names(trial)[0] not in self._experiments


def _find_last(trial: FrozenTrial) -> str:
    """Return the value that a trial has reported last."""
    return format_value(trial.intermediate_values[max(trial.intermediate_values)]) if trial.intermediate_values else ""
