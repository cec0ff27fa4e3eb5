"""Show a search while it runs, and its result."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from optuna.trial import TrialState
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from dvc_search.configuration import Configuration
from dvc_search.git import git
from dvc_search.page import Page
from dvc_search.repository import Source, make_apply_command
from dvc_search.study import Study
from dvc_search.table import STATES
from dvc_search.task import Outcome
from dvc_search.values import format_parameters

SHOWN = 3  # of the best trials
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let the search end as others do whose output is not read; rich would exit with 1."""
        raise BrokenPipeError


class Progress:
    """A progress bar on a terminal, a line for each trial that has ended, and the page."""

    def __init__(self, study: Study, configuration: Configuration, page: Page | None = None) -> None:
        """Show the trials of `study`."""
        self._study = study
        self._keys = [metric.key for metric in configuration.metrics]
        self._page = page
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        console = _Console(highlight=False, markup=False, soft_wrap=True)
        self._bar = RichProgress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task(study.name, total=configuration.trials)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        self.update(0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        self._bar.stop()

    def update(self, running: int) -> None:
        """Show how many trials run, and what the study has about the others; write the page."""
        states = Counter(trial.state for trial in self._study.list_counted())
        texts = [f"{running} running", *(f"{states[state]} {STATES[state]}" for state in ENDED)]
        best = self._study.list_best()
        if len(self._keys) > 1:
            texts.append(f"{len(best)} on the Pareto front")
        elif best:
            texts.append(f"best {best[0].value:.6g} ({self._study.name}-{best[0].number})")
        ended = sum(states[state] for state in ENDED)
        self._bar.update(self._task, completed=ended, description=", ".join(texts))
        if self._page:
            self._page.update()

    def print(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(text)

    def print_outcome(self, name: str, outcome: Outcome, values: Mapping[str, object], is_pruned: bool) -> None:  # noqa: FBT001
        """Print how a trial ended."""
        texts = {
            "complete": _join(self._keys, [f"{value:.6g}" for value in outcome.values]),
            "stopped": "pruned" if is_pruned else "stopped; the same command runs it again",
            "failed": f"failed: {outcome.error}",
            "unrecorded": f"not recorded: {outcome.error}",
        }
        self.print(f"{name}  {texts[outcome.state]}  {format_parameters(values)}")

    def print_trial(self, number: int) -> None:
        """Print the means of a trial that was repeated."""
        trial = self._study.list_trials()[number]
        values = format_parameters(self._study.get_values(trial))
        self.print(f"{self._study.name}-{number}  {_join(self._keys, self._study.format_metrics(trial))}  {values}")


def print_result(study: Study, configuration: Configuration, source: Source, experiments: Container[str]) -> None:
    """Print the best trials that have an experiment, and the commands that show and keep experiments."""
    best = [trial for trial in study.list_best() if study.list_names(trial)[0] in experiments]
    if not best:
        return
    keys = [metric.key for metric in configuration.metrics]
    if len(keys) == 1:
        best = best[:SHOWN]
    head = "best" if len(keys) == 1 else "Pareto front"
    print(f"{head} of {len(study.list_counted())} trials by {' and '.join(keys)}:")
    for trial in best:
        values = format_parameters(study.get_values(trial))
        print(f"  {study.name}-{trial.number}  {'  '.join(study.format_metrics(trial))}  {values}")
    is_current = git(Path(), "rev-parse", "HEAD") == source.commit
    rev = "" if is_current else f" --rev {source.commit[:7]}"
    print(f"show them:  dvc exp show --only-changed{rev}")
    print(f"keep one:   {make_apply_command(source, study.list_names(best[0])[0])}")


def _join(keys: Sequence[str], values: Sequence[str]) -> str:
    return "  ".join(f"{key} {value}" for key, value in zip(keys, values, strict=False))
