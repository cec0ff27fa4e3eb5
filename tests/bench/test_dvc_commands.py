from typing import Any

import pytest

from bench import dvc_commands
from bench.runner import Run

REFS = """\
refs/exps/{number:02x}/{commit}/quick-name
refs/exps/celery/stash
refs/exps/exec/EXEC_BRANCH
refs/exps/stash
"""


class FakeClone:
    """A clone whose queue finishes one experiment per `git` command; its worker stops at the second status query."""

    def __init__(self) -> None:
        """Start with an empty queue."""
        self.commands: list[tuple[str, ...]] = []
        self.copies: dict[str, FakeClone] = {}
        self.queued, self.results, self.stopping = 0, 0, 0

    def copy(self, name: str) -> "FakeClone":
        """Return a new fake clone; each name is allowed once."""
        assert name not in self.copies
        return self.copies.setdefault(name, FakeClone())

    def run(self, *command: str) -> Run:
        """Record the command and return output like DVC's or Git's; the n-th command takes n seconds."""
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
    monkeypatch.setattr(dvc_commands, "TIMEOUT_SECONDS", 5)
    return FakeClone()


def test_each_sweep_uses_its_own_copy(clone: Any) -> None:
    row = dvc_commands.measure_sweeps(clone, rounds=3, size=8)
    assert row.what == "sweep of 8 experiments, `--jobs 2` against `--jobs 1`"
    assert clone.commands == []
    assert list(clone.copies) == [f"sweep-{jobs}-{number}" for number in range(3) for jobs in (2, 1)]
    for name, copy in clone.copies.items():
        rates = [command[-1].removeprefix("lr=").split(",") for command in copy.commands if "--queue" in command]
        assert [len(set(sweep)) for sweep in rates] == [8]
        assert [command[-1] for command in copy.commands if "start" in command] == [name[6]]


def test_waits_for_results_and_workers(clone: Any) -> None:
    clone.results = 5
    assert dvc_commands.run_sweep(clone, 2, ["0.1", "0.2"]) >= 0
    assert clone.results == 7
    queue_commands = [command[2] for command in clone.commands if command[:2] == ("dvc", "queue")]
    assert queue_commands == ["start", "stop", "status", "status"]


def test_wait_until_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dvc_commands, "TIMEOUT_SECONDS", -1)
    with pytest.raises(TimeoutError, match="did not finish"):
        dvc_commands.wait_until(lambda: False)


def test_up_to_date_repro(clone: Any) -> None:
    row = dvc_commands.measure_up_to_date_repro(clone, rounds=2)
    assert clone.commands == [("dvc", "repro"), ("python", "-c", "import torch")] * 2
    assert row[1:4] == ("2.00 s", "3.00 s", "0.667 (0.500 to 0.750)")


def test_each_experiment_has_another_learning_rate(clone: Any) -> None:
    row = dvc_commands.measure_experiment(clone, rounds=3)
    assert row.target == "at most 5.5"
    rates = [command[-1] for command in clone.commands if command[:3] == ("dvc", "exp", "run")]
    assert rates == ["lr=0.020", "lr=0.021", "lr=0.022"]
    assert clone.commands[1:4] == [("git", "restore", "."), ("dvc", "checkout"), ("python", "-c", "import torch")]
