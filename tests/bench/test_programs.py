import json
from pathlib import Path
from typing import Any

import pytest

from bench import programs, training_loop, tutorial
from bench.runner import Run


class FakeClone:
    """A clone that records commands instead of running them."""

    parameters: dict[Path, dict[str, object]]  # of all clones, by folder

    def __init__(self, folder: Path) -> None:
        """Start with no commands."""
        self.folder = folder
        self.commands: list[tuple[str, ...]] = []

    @classmethod
    def of_head(cls, folder: Path, **parameters: object) -> "FakeClone":
        """Record the parameters and write metrics.json."""
        cls.parameters[folder] = parameters
        (folder / "metrics").mkdir(parents=True)
        (folder / "metrics/metrics.json").write_text('{"accuracy": 0.75}')
        return cls(folder)

    def run(self, *command: str, **environment: str) -> Run:
        """Record the command and return a run of 5 s with a report."""
        self.commands.append(command)
        report = json.dumps({"training_seconds": 3, "environment": environment})
        return Run(5, 100, f"Epoch 1\n{report}\n", "")

    def commit(self) -> None:
        """Record the commit."""
        self.commands.append(("commit",))


@pytest.fixture
def fake_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> programs.Programs:
    FakeClone.parameters = {}
    monkeypatch.setattr(programs, "Clone", FakeClone)
    return programs.Programs(tmp_path)


def last_arguments(fake_programs: programs.Programs, module: str) -> list[str]:
    clone: Any = fake_programs.prepared
    *python, name = clone.commands[-1][:3]
    assert (python, name) == (["python", "-m"], module)
    return list(clone.commands[-1][3:])


def test_prepares_data(fake_programs: programs.Programs, tmp_path: Path) -> None:
    assert FakeClone.parameters == {tmp_path / "prepared": {"validation_size": 0}}
    assert (tmp_path / "prepared/MNIST/raw").readlink() == tmp_path / "prepared/data/raw"


def test_tutorial(
    fake_programs: programs.Programs, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result: dict[str, Any] = fake_programs.tutorial("adam", 2, {"OMP_NUM_THREADS": "1"})(7)
    assert result == {"process_seconds": 5, "training_seconds": 3, "environment": {"OMP_NUM_THREADS": "1"}}
    monkeypatch.chdir(data)
    monkeypatch.setattr("sys.argv", ["tutorial", *last_arguments(fake_programs, "bench.tutorial")])
    tutorial.main()
    *epochs, accuracy, report = capsys.readouterr().out.splitlines()
    assert len(epochs) == 2
    assert f"Test Accuracy: {100 * json.loads(report)['accuracy']} %" == accuracy
    assert json.loads(report)["training_seconds"] > 0


def test_training_loop(
    fake_programs: programs.Programs,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert fake_programs.training_loop("adam", 2, "native")(7)["training_seconds"] == 3
    calls: dict[str, Any] = {}
    timing = training_loop.Timing(1, [0.5, 1], 0.9)

    def time_training(folder: Path, parameters: object) -> training_loop.Timing:
        calls.update(folder=folder, parameters=parameters)
        return timing

    monkeypatch.setattr("stages.shared.numerics.pin", lambda numerics: calls.update(pinned=numerics))
    monkeypatch.setattr(training_loop, "time_training", time_training)
    monkeypatch.setattr("sys.argv", ["training_loop", *last_arguments(fake_programs, "bench.training_loop")])
    training_loop.main()
    assert json.loads(capsys.readouterr().out) == timing._asdict()
    assert calls["folder"] == Path("data/normalized")
    parameters = calls["parameters"]
    assert (parameters.optimizer, parameters.lr, parameters.epochs, parameters.seed) == ("adam", 0.001, 2, 7)
    assert (parameters.numerics, calls["pinned"], parameters.batch_size) == ("native", "native", 64)


def test_dvc_programs_use_fresh_clone(fake_programs: programs.Programs, tmp_path: Path) -> None:
    assert fake_programs.repro(10)(3) == {"process_seconds": 5, "accuracy": 0.75}
    assert FakeClone.parameters[tmp_path / "fresh-3"] == {"validation_size": 0, "epochs": 10, "seed": 3}
    assert fake_programs.experiment(3) == {"process_seconds": 5, "accuracy": 0.75}
