import time
from collections.abc import Iterator
from typing import Any

import pytest

from search import record
from search.git import GitError
from search.record import RemoteError, wait_for_remote
from search.task import Control, Outcome, TrialError
from tests.search.configurations import make_task

TASK = make_task("trial-0", {}, patience=0.2)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "FIRST_WAIT", 0.02)


def find_outcome(error: Exception, *, should_stop: bool = False) -> tuple[Outcome, int]:
    """Return the outcome when a remote always fails, and how often it was asked."""
    calls = []

    def fail() -> None:
        calls.append(1)
        raise error

    with pytest.raises(TrialError) as caught:
        wait_for_remote(TASK, Control(lambda *_: None, lambda _: None, lambda: should_stop), fail)
    return caught.value.outcome, len(calls)


def test_waits_as_long_as_the_task_says() -> None:
    started = time.monotonic()
    outcome, calls = find_outcome(GitError("git fetch: fatal: no answer"))
    assert outcome == Outcome("unrecorded", error="git fetch: fatal: no answer")
    assert calls > 1
    assert time.monotonic() - started < 2


def test_does_not_ask_again_after_rejection() -> None:
    error = "git push: ! [remote rejected] x"
    assert find_outcome(GitError(error)) == (Outcome("unrecorded", error=error), 1)


def test_full_disk_is_no_fault_of_the_remote() -> None:
    error = "dvc push: No space left on device"
    assert find_outcome(RemoteError(error)) == (Outcome("failed", error=error), 1)


def test_stops_while_it_waits() -> None:
    assert find_outcome(GitError("away"), should_stop=True) == (Outcome("stopped"), 1)


def test_returns_the_answer() -> None:
    answers: Iterator[Any] = iter([GitError("away"), 3])
    lines: list[str] = []

    def act() -> Any:
        answer = next(answers)
        if isinstance(answer, GitError):
            raise answer
        return answer

    assert wait_for_remote(TASK, Control(lambda *_: None, lines.append, lambda: False), act) == 3
    assert lines == ["waits for a remote: away"]
