from typing import Any

import pytest

from bench import waiting
from bench.measure import Run

REFS = """\
refs/exps/{number:02x}/{commit}/quick-name
refs/exps/celery/stash
refs/exps/exec/EXEC_BRANCH
refs/exps/stash
"""


class FakeClone:
    """A clone whose queue gives a result each time that Git is asked, and whose worker stops when asked twice."""

    def __init__(self) -> None:
        """Begin with an empty queue."""
        self.commands: list[tuple[str, ...]] = []
        self.copies: dict[str, FakeClone] = {}
        self.queued, self.results, self.stopping = 0, 0, 0

    def copy(self, name: str) -> "FakeClone":
        """Give an empty queue, once for each name."""
        assert name not in self.copies
        return self.copies.setdefault(name, FakeClone())

    def run(self, *command: str) -> Run:
        """Note the command, and answer as DVC and Git do; each takes a second longer than the last."""
        self.commands.append(command)
        output = ""
        if command[:3] == ("dvc", "exp", "run"):
            self.queued = len(command[-1].split(","))
        elif command[0] == "git":
            if self.queued:
                self.results, self.queued = self.results + 1, self.queued - 1
            output = "".join(REFS.format(number=number, commit="0" * 38) for number in range(self.results))
        elif command[:3] == ("dvc", "queue", "status"):
            output = f"Worker status: 0 active, {self.stopping} idle"
            self.stopping = 0
        elif command[:3] == ("dvc", "queue", "stop"):
            self.stopping = 1
        return Run(float(len(self.commands)), 0, output, "")


@pytest.fixture
def clone(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 5)
    return FakeClone()


def test_each_sweep_has_a_copy_to_itself(clone: Any) -> None:
    row = waiting.measure_sweeps(clone, rounds=3, size=8)
    assert row.what == "sweep of 8 with `-j 2`, against one after the other"
    assert clone.commands == []
    assert list(clone.copies) == [f"sweep-{jobs}-{number}" for number in range(3) for jobs in (2, 1)]
    for name, copy in clone.copies.items():
        rates = [command[-1].removeprefix("lr=").split(",") for command in copy.commands if "--queue" in command]
        assert [len(set(sweep)) for sweep in rates] == [8]
        assert [command[-1] for command in copy.commands if "start" in command] == [name[6]]


def test_a_sweep_is_over_when_every_result_is_there_and_no_worker_is_left(clone: Any) -> None:
    clone.results = 5
    assert waiting.run_sweep(clone, 2, ["0.1", "0.2"]) >= 0
    assert clone.results == 7
    asked = [command[2] for command in clone.commands if command[:2] == ("dvc", "queue")]
    assert asked == ["start", "stop", "status", "status"]


def test_waiting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", -1)
    with pytest.raises(TimeoutError, match="not done"):
        waiting.wait_until(lambda: False)


def test_nothing_to_do_is_compared_with_the_import_of_torch(clone: Any) -> None:
    row = waiting.measure_nothing_to_do(clone, rounds=2)
    assert clone.commands == [("dvc", "repro"), ("python", "-c", "import torch")] * 2
    assert row[1:4] == ("2.00 s", "3.00 s", "0.667 (0.500 to 0.750)")
