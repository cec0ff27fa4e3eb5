"""The search: ask for parameters, run the trials, tell how they ended."""

import math
import time
from collections import deque
from collections.abc import Callable

from dvc_search import events
from dvc_search.engine import Asked, Engine, Run
from dvc_search.log import store_log
from dvc_search.progress import Progress
from dvc_search.study import Study
from dvc_search.task import Outcome, Task

MAX_ATTEMPTS = 3  # of a trial, since the search was started
WAIT_SECONDS = 0.5


class Driver:
    """Runs the trials of a study until there are enough, the user interrupts, or a remote does not take them.

    Attributes:
        interrupts: how often Ctrl-C was pressed: once to ask for no more trials, twice to stop the running ones.
        error: one line, if a remote did not take an experiment, or no machine can run trials: the search ends, and the
            trial is run again later.
    """

    def __init__(
        self,
        study: Study,
        engine: Engine,
        make_task: Callable[[str, dict[str, object]], Task],
        is_recorded: Callable[[str], bool],
        progress: Progress,
        timeout: float | None = None,
    ) -> None:
        """Run the trials of a study.

        Args:
            study: asks for trials, and stores how they end.
            engine: runs them.
            make_task: called with name and parameters of a trial.
            is_recorded: called with the name of a trial; returns whether the Git remote has its experiment.
            progress: shows what happens.
            timeout: seconds from now on after which no trial is started.
        """
        self._study = study
        self._engine = engine
        self._make_task = make_task
        self._is_recorded = is_recorded
        self._progress = progress
        self._waiting = deque(Run(Asked(trial)) for trial in study.list_running())
        self._running: dict[str, Run] = {}
        self._asks_no_more = False  # the time is over, or no point of the space is left
        self._end = time.monotonic() + (math.inf if timeout is None else timeout)
        self.interrupts = 0
        self.error = ""

    def run(self) -> None:
        """Return when no trial runs and none is to be started.

        Raises:
            SearchError: the scheduler does not answer.
        """
        has_stopped = False
        while self._start_trials() or self._running:
            if self.interrupts > 1 and not has_stopped:
                has_stopped = True
                for name in self._running:
                    self._engine.stop(name)
            for event in self._engine.wait(WAIT_SECONDS):
                self._handle(event)
            self._progress.update(len(self._running))

    def _start_trials(self) -> bool:
        """Start trials on all free workers; return whether there are more to start."""
        while not self.interrupts and not self.error:
            if not self._waiting and (self._asks_no_more or self._study.has_enough()):
                return False
            if time.monotonic() > self._end and not self._asks_no_more:
                self._ask_no_more("the time is over: no more trials are started, and the running ones end")
            elif not self._engine.has_free_worker():
                return True
            elif self._waiting:
                self._start(self._waiting.popleft())
            elif trial := self._study.ask():
                self._start(Run(Asked(trial)))
            else:
                count = len(self._study.list_counted())
                self._ask_no_more(f"the space has no other parameters to try: the search ends after {count} trials")
        return False

    def _ask_no_more(self, reason: str) -> None:
        self._asks_no_more = True
        self._progress.print(reason)

    def _start(self, run: Run) -> None:
        run.attempts += 1
        trial = run.asked.trial
        name = self._study.list_names(trial)[run.number]
        self._running[name] = run
        self._engine.start(self._make_task(name, self._study.get_values(trial, run.number)))

    def _handle(self, event: events.Event) -> None:
        if isinstance(event, events.Notice):
            self._progress.print(event.text)
        elif isinstance(event, events.Reported):
            run = self._running[event.name]
            is_judged = run.number == 0 and not run.asked.is_pruned  # the same value of `repeat` in all trials
            if is_judged and self._study.report(run.asked.trial, event.step, event.value):
                run.asked.is_pruned = True
                self._engine.stop(event.name)
        elif isinstance(event, events.Lost):
            self._retry(event.name, event.reason, self._running.pop(event.name))
        else:
            self._tell(event.name, event.outcome, self._running.pop(event.name))

    def _retry(self, name: str, reason: str, run: Run) -> bool:
        """Run a trial again, which has failed through no fault of its own, unless that has happened too often."""
        run.asked.is_pruned = False
        if run.attempts < MAX_ATTEMPTS or self._is_recorded(name):
            self._waiting.append(run)
            self._progress.print(f"{name}  {reason}; it will run again")
            return True
        self._progress.print(
            f"{name}  {reason}; given up after {MAX_ATTEMPTS} attempts; the same command runs it again"
        )
        return False

    def _tell(self, name: str, outcome: Outcome, run: Run) -> None:
        store_log(name, outcome.log)
        asked = run.asked
        if asked.has_failed:
            return
        if outcome.state in ("lost", "unable"):
            if not self._retry(name, outcome.error, run) and outcome.state == "unable":
                self.error = f"{name}: {outcome.error}"
            return
        self._progress.print_outcome(name, outcome, self._study.get_values(asked.trial, run.number), asked.is_pruned)
        if outcome.state == "complete":
            self._complete(name, outcome, run)
        elif outcome.state == "stopped" and asked.is_pruned:
            self._study.prune(asked.trial)
        elif outcome.state == "failed":
            self._fail(outcome.error, asked)
        elif outcome.state == "unrecorded":
            self.error = f"{name}: {outcome.error}"

    def _complete(self, name: str, outcome: Outcome, run: Run) -> None:
        """Run the trial with the other values of `repeat`; after the last, store its values."""
        asked = run.asked
        names = self._study.list_names(asked.trial)
        asked.outcomes[name] = outcome
        if run.number == 0:
            self._waiting.extendleft(Run(asked, number) for number in reversed(range(1, len(names))))
        if len(asked.outcomes) == len(names):
            self._study.complete(asked.trial, asked.outcomes)
            if len(names) > 1:
                self._progress.print_trial(asked.trial.number)

    def _fail(self, error: str, asked: Asked) -> None:
        """Store that a trial has failed; it is not run with other values of `repeat`."""
        asked.has_failed = True
        self._study.fail(asked.trial, error)
        self._waiting = deque(run for run in self._waiting if run.asked is not asked)
        for name, run in self._running.items():
            if run.asked is asked:
                self._engine.stop(name)
