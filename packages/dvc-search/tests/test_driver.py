from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from dvc_search import events
from dvc_search.driver import MAX_ATTEMPTS, Driver
from dvc_search.progress import Progress
from dvc_search.study import Study
from dvc_search.task import Outcome, Task
from searches import configure, list_states, make_space, make_task, open_study


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
            self.queue.append(events.Ended(task.name, Outcome("complete", (0.5,))))
        elif outcome == "lost":
            self.queue.append(events.Lost(task.name, "its worker has ended"))
        elif outcome == "runs":
            pass
        elif isinstance(outcome, str):
            state = outcome.removeprefix("stage ")
            self.queue.append(events.Ended(task.name, Outcome(state, error="too high")))  # type: ignore[arg-type]
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


def start(engine: FakeEngine, study: Study, *recorded: str) -> Driver:
    progress = Progress(study, configure())
    return Driver(study, engine, make_task, lambda name: name in recorded, progress)


def run(engine: FakeEngine, **changes: Any) -> tuple[Study, Driver]:
    study = open_study(**changes)
    driver = start(engine, study)
    driver.run()
    return study, driver


def test_starts_no_trial_after_the_timeout(capsys: pytest.CaptureFixture[str]) -> None:
    study = open_study()
    engine = FakeEngine()
    driver = Driver(study, engine, make_task, lambda _: False, Progress(study, configure()), timeout=0)
    driver.run()
    assert (engine.started, driver.error) == ([], "")
    assert "the time is over" in capsys.readouterr().out


def test_runs_all_trials(capsys: pytest.CaptureFixture[str]) -> None:
    engine = FakeEngine(workers=2)
    study, driver = run(engine, trials=3)
    assert list_states(study) == ["COMPLETE"] * 3
    assert [task.name for task in engine.started] == ["trial-0", "trial-1", "trial-2"]
    assert engine.started[0].parameters == study.get_values(study.list_counted()[0])
    assert (driver.error, driver.interrupts) == ("", 0)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  epochs")[0] for line in lines] == [f"trial-{n}  validation.score 0.5" for n in range(3)]


@pytest.mark.parametrize("how", ["lost", "stage lost"])
def test_gives_up_trial_that_ends_its_workers(how: str) -> None:
    engine = FakeEngine(*[how] * MAX_ATTEMPTS)
    study, driver = run(engine, trials=1)
    assert not driver.error
    assert list_states(study) == ["RUNNING"]
    assert len(engine.started) == MAX_ATTEMPTS
    assert list_states(run(FakeEngine(), trials=1)[0]) == ["COMPLETE"]  # the same command runs it again


def test_ends_when_no_machine_can_run_a_trial() -> None:
    """Otherwise, one trial after the other would train until the disk is full."""
    engine = FakeEngine(*["unable"] * MAX_ATTEMPTS)
    study, driver = run(engine, trials=2)
    assert driver.error == "trial-0: too high"
    assert list_states(study) == ["RUNNING"]
    assert len(engine.started) == MAX_ATTEMPTS
    assert list_states(run(FakeEngine("unable", "failed"), trials=2)[0]) == ["FAIL", "COMPLETE"]


def test_says_that_the_space_has_no_other_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    space = make_space(lr=[0.1, 0.2])
    for _ in range(2):
        study, _ = run(FakeEngine(), space=space, sampler="grid", trials=3)
        assert list_states(study) == ["COMPLETE"] * 2
        assert "the space has no other parameters to try: the search ends after 2 trials\n" in capsys.readouterr().out


def test_does_not_give_up_trial_that_is_recorded() -> None:
    """Its worker was killed after the push."""
    study = open_study(trials=1)
    start(FakeEngine(*["lost"] * MAX_ATTEMPTS), study, "trial-0").run()
    assert list_states(study) == ["COMPLETE"]


def test_ends_when_a_remote_refuses_and_resumes() -> None:
    study, driver = run(FakeEngine("unrecorded"), trials=2)
    assert driver.error == "trial-0: too high"
    assert list_states(study) == ["RUNNING"]
    study, driver = run(FakeEngine(), trials=2)
    assert list_states(study) == ["COMPLETE", "COMPLETE"]


def test_second_interrupt_stops_running_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    study, engine = open_study(trials=2), FakeEngine("runs")
    driver, wait = start(engine, study), engine.wait

    def press(seconds: float) -> Iterator[events.Event]:
        assert engine.stopped == ["trial-0"] * (driver.interrupts > 1)
        driver.interrupts += 1
        return wait(seconds)

    monkeypatch.setattr(engine, "wait", press)
    driver.run()
    assert (list_states(study), len(engine.started)) == (["RUNNING"], 1)


def test_trial_that_is_pruned_too_late_is_complete() -> None:
    study = open_study(trials=1)
    ended = events.Ended("trial-0", Outcome("complete", (0.5,)))
    engine = FakeEngine([events.Reported("trial-0", 0, 0.1), ended])
    engine.stop = engine.stopped.append  # type: ignore[method-assign,assignment]
    study.report = lambda *_: True  # type: ignore[method-assign]
    start(engine, study).run()
    assert engine.stopped == ["trial-0"]
    assert list_states(study) == ["COMPLETE"]


def test_repeats_trials_with_other_values(capsys: pytest.CaptureFixture[str]) -> None:
    engine = FakeEngine(workers=2)
    study, _ = run(engine, trials=2, repeat={"seed": [5, 6, 7]})
    assert list_states(study) == ["COMPLETE"] * 2
    expected = {f"trial-{number}-{run}": 5 + run for number in range(2) for run in range(3)}
    assert {task.name: task.parameters["seed"] for task in engine.started} == expected
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert "trial-0  validation.score 0.5 ± 0  epochs=2" in "\n".join(lines)


def test_failed_run_ends_its_trial() -> None:
    """The second of three runs fails while the third runs."""
    engine = FakeEngine("complete", "runs", "failed", workers=2)
    study, _ = run(engine, trials=1, repeat={"seed": [5, 6, 7]})
    assert engine.stopped == ["trial-0-1"]
    assert list_states(study) == ["FAIL"]


def test_first_run_decides_about_pruning() -> None:
    study = open_study(trials=2, repeat={"seed": [5, 6]})
    study.report = lambda *_: True  # type: ignore[method-assign]
    ended = events.Ended("trial-1-1", Outcome("complete", (0.5,)))
    engine = FakeEngine(
        [events.Reported("trial-0-0", 1, 0.5)], "complete", [events.Reported("trial-1-1", 1, 0.5), ended]
    )
    start(engine, study).run()
    assert [task.name for task in engine.started] == ["trial-0-0", "trial-1-0", "trial-1-1"]
    assert list_states(study) == ["PRUNED", "COMPLETE"]


def test_interrupted_repeats_resume() -> None:
    study = open_study(trials=1, repeat={"seed": [5, 6]})
    engine = FakeEngine("complete", "unrecorded")
    start(engine, study).run()
    assert list_states(study) == ["RUNNING"]
    study, _ = run(FakeEngine(), trials=1, repeat={"seed": [5, 6]})
    assert list_states(study) == ["COMPLETE"]


def test_ends_without_workers_if_nothing_is_left() -> None:
    run(FakeEngine(), trials=1)
    study, _ = run(FakeEngine(workers=0), trials=1)
    assert list_states(study) == ["COMPLETE"]
