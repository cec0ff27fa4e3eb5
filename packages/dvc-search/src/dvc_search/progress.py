"""Show a search while it runs, and its result."""

from collections import Counter
from collections.abc import Container, Mapping
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
from dvc_search.parameters import format_parameters
from dvc_search.repository import Source, make_apply_command
from dvc_search.study import Study
from dvc_search.task import Outcome

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
        self._metric = configuration.metric.key
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
        texts = [f"{running} running", *(f"{states[state]} {_NAMES[state]}" for state in ENDED)]
        if best := self._study.list_best(1):
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
            "complete": f"{self._metric} {outcome.value:.6g}" if outcome.value is not None else "",
            "stopped": "pruned" if is_pruned else "stopped; the same command runs it again",
            "failed": f"failed: {outcome.error}",
            "unrecorded": f"not recorded: {outcome.error}",
        }
        self.print(f"{name}  {texts[outcome.state]}  {format_parameters(values)}")


_NAMES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


def print_result(study: Study, configuration: Configuration, source: Source, experiments: Container[str]) -> None:
    """Print the best three trials that have an experiment, and the commands that show and keep experiments."""
    complete = study.list_best(len(study.list_counted()))
    best = [trial for trial in complete if f"{configuration.name}-{trial.number}" in experiments][:3]
    if not best:
        return
    print(f"best of {len(study.list_counted())} trials by {configuration.metric.key}:")
    for trial in best:
        values = format_parameters(study.get_values(trial))
        print(f"  {configuration.name}-{trial.number}  {trial.value:.6g}  {values}")
    is_current = git(Path(), "rev-parse", "HEAD") == source.commit
    rev = "" if is_current else f" --rev {source.commit[:7]}"
    print(f"show them:  dvc exp show --only-changed{rev}")
    print(f"keep one:   {make_apply_command(source, f'{configuration.name}-{best[0].number}')}")
