from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest
from optuna.trial import TrialState

from search import events
from search.driver import MAX_ATTEMPTS, Driver
from search.progress import Progress
from search.study import Study
from search.task import Outcome, Task
from tests.search.configurations import COMMIT, configure, make_task


class FakeEngine:
    """Runs no trial: `script` says what happens to each attempt."""

    def __init__(self, *script: list[events.Event] | str, workers: int = 1) -> None:
        """Run attempts as the script says, and complete those after its end."""
        self.script = deque(script)
        self.workers = workers
        self.running: dict[str, Task] = {}
        self.started: list[Task] = []
        self.stopped: list[str] = []
        self.queue: deque[events.Event] = deque()

    def has_free_worker(self) -> bool:
        """Return whether fewer trials run than there are workers."""
        return len(self.running) < self.workers

    def start(self, task: Task) -> None:
        """Queue what happens to the next attempt."""
        self.running[task.name] = task
        self.started.append(task)
        outcome = self.script.popleft() if self.script else "complete"
        if outcome == "complete":
            self.queue.append(events.Ended(task.name, Outcome("complete", 0.5)))
        elif outcome == "lost":
            self.queue.append(events.Lost(task.name, "its worker has ended"))
        elif outcome == "runs":
            pass
        elif isinstance(outcome, str):
            self.queue.append(events.Ended(task.name, Outcome(outcome, error="too high")))  # type: ignore[arg-type]
        else:
            self.queue.extend(outcome)

    def stop(self, name: str) -> None:
        """Queue that the trial was stopped."""
        self.stopped.append(name)
        self.queue.append(events.Ended(name, Outcome("stopped")))

    def wait(self, _seconds: float) -> Iterator[events.Event]:
        """Yield what is queued."""
        while self.queue:
            event = self.queue.popleft()
            if isinstance(event, events.Ended | events.Lost):
                del self.running[event.name]
            yield event


pytestmark = pytest.mark.usefixtures("memory_folder")


def run(engine: FakeEngine, interrupts: int = 0, **changes: Any) -> tuple[Study, Driver]:
    study = Study(configure(**changes))
    if study.is_new:
        study.begin(COMMIT)
    with Progress(study, "validation.score", 3) as progress:
        driver = Driver(study, engine, make_task, lambda _: False, progress)
        driver.interrupts = interrupts
        driver.run()
    return study, driver


def list_states(study: Study) -> list[str]:
    return [trial.state.name for trial in study.list_counted()]


def test_runs_all_trials(capsys: pytest.CaptureFixture[str]) -> None:
    engine = FakeEngine(workers=2)
    study, driver = run(engine, trials=3)
    assert list_states(study) == ["COMPLETE"] * 3
    assert [task.name for task in engine.started] == ["trial-0", "trial-1", "trial-2"]
    assert engine.started[0].parameters == study.get_values(study.list_counted()[0])
    assert (driver.error, driver.interrupts) == ("", 0)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  epochs")[0] for line in lines] == [f"trial-{n}  validation.score 0.5" for n in range(3)]


def test_runs_lost_trial_again(capsys: pytest.CaptureFixture[str]) -> None:
    engine = FakeEngine("lost", "complete")
    study, _ = run(engine, trials=1)
    assert list_states(study) == ["COMPLETE"]
    assert engine.started[0] == engine.started[1]
    assert "trial-0  its worker has ended; it will run again" in capsys.readouterr().out


def test_gives_up_trial_that_ends_its_workers() -> None:
    engine = FakeEngine(*["lost"] * MAX_ATTEMPTS)
    study, _ = run(engine, trials=1)
    assert list_states(study) == ["FAIL"]
    assert study.list_counted()[0].user_attrs == {"error": "its worker has ended"}
    assert len(engine.started) == MAX_ATTEMPTS


def test_does_not_give_up_trial_that_is_recorded() -> None:
    """Its worker was killed after the push."""
    study = Study(configure(trials=1))
    study.begin(COMMIT)
    engine = FakeEngine(*["lost"] * MAX_ATTEMPTS)
    with Progress(study, "validation.score", 3) as progress:
        Driver(study, engine, make_task, lambda name: name == "trial-0", progress).run()
    assert list_states(study) == ["COMPLETE"]


def test_failed_trial_does_not_end_the_search(capsys: pytest.CaptureFixture[str]) -> None:
    study, _ = run(FakeEngine("failed", "complete"), trials=2)
    assert list_states(study) == ["FAIL", "COMPLETE"]
    assert study.list_counted()[0].user_attrs == {"error": "too high"}
    assert "trial-0  failed: too high" in capsys.readouterr().out


def test_ends_when_a_remote_refuses_and_resumes() -> None:
    study, driver = run(FakeEngine("unrecorded"), trials=2)
    assert driver.error == "trial-0: too high"
    assert list_states(study) == ["RUNNING"]
    study, driver = run(FakeEngine(), trials=2)
    assert list_states(study) == ["COMPLETE", "COMPLETE"]


def test_prunes(capsys: pytest.CaptureFixture[str]) -> None:
    def report(number: int, value: float) -> list[events.Event]:
        return [events.Reported(f"trial-{number}", step, value) for step in range(3)]

    good: list[list[events.Event]] = [
        [*report(number, 0.5), events.Ended(f"trial-{number}", Outcome("complete", 0.5))] for number in range(5)
    ]
    engine = FakeEngine(*good, report(5, 0.1))
    study, _ = run(engine, trials=6, pruner="median")
    assert list_states(study) == ["COMPLETE"] * 5 + ["PRUNED"]
    assert engine.stopped == ["trial-5"]  # once
    assert "trial-5  pruned" in capsys.readouterr().out


def test_trial_that_is_pruned_too_late_is_complete() -> None:
    study = Study(configure(trials=1))
    study.begin(COMMIT)
    ended = events.Ended("trial-0", Outcome("complete", 0.5))
    engine = FakeEngine([events.Reported("trial-0", 0, 0.1), ended])
    engine.stop = engine.stopped.append  # type: ignore[method-assign,assignment]
    study.report = lambda *_: True  # type: ignore[method-assign]
    with Progress(study, "validation.score", 3) as progress:
        Driver(study, engine, make_task, lambda _: False, progress).run()
    assert engine.stopped == ["trial-0"]
    assert list_states(study) == ["COMPLETE"]


@pytest.mark.parametrize(("interrupts", "state", "stopped"), [(1, "COMPLETE", []), (2, "RUNNING", ["trial-0"])])
def test_interrupt(interrupts: int, state: str, stopped: list[str]) -> None:
    engine = FakeEngine("runs")
    study = Study(configure(trials=2))
    study.begin(COMMIT)
    with Progress(study, "validation.score", 3) as progress:
        driver = Driver(study, engine, make_task, lambda _: False, progress)

        def wait(_seconds: float) -> Iterator[events.Event]:
            if not driver.interrupts:
                driver.interrupts = interrupts
            elif interrupts == 1:
                engine.queue.append(events.Ended("trial-0", Outcome("complete", 0.5)))
            yield from FakeEngine.wait(engine, 0)

        engine.wait = wait  # type: ignore[method-assign]
        driver.run()
    assert list_states(study) == [state]
    assert engine.stopped == stopped
    if state == "RUNNING":  # the same command runs it again
        assert list_states(run(FakeEngine(), trials=2)[0]) == ["COMPLETE", "COMPLETE"]


def test_ends_without_workers_if_nothing_is_left() -> None:
    run(FakeEngine(), trials=1)
    study, _ = run(FakeEngine(workers=0), trials=1)
    assert [trial.state for trial in study.list_counted()] == [TrialState.COMPLETE]


def test_prints_notices(capsys: pytest.CaptureFixture[str]) -> None:
    engine = FakeEngine()
    engine.queue.append(events.Notice("worker tcp://a is refused: Python 3.9"))
    run(engine, trials=1)
    assert capsys.readouterr().out.splitlines()[0] == "worker tcp://a is refused: Python 3.9"
