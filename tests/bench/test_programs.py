import json
import signal
from pathlib import Path
from typing import Any

import pytest

from bench import programs, sklearn_program, training_loop, tutorial
from bench.runner import CommandError, Run


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
    return programs.Programs(tmp_path, epochs=2)


def last_arguments(fake_programs: programs.Programs, module: str) -> list[str]:
    clone: Any = fake_programs.prepared
    command = list(clone.commands[-1])
    python = command.index("python")
    assert command[python : python + 3] == ["python", "-m", module]
    return command[python + 3 :]


def test_prepares_data(fake_programs: programs.Programs, tmp_path: Path) -> None:
    assert FakeClone.parameters == {tmp_path / "prepared": {"validation_size": 0, "epochs": 2}}
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


def test_sklearn(
    fake_programs: programs.Programs, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fake_programs.sklearn(3)(7)["process_seconds"] == 5
    _folder, *options = last_arguments(fake_programs, "bench.sklearn_program")
    monkeypatch.setattr("sys.argv", ["sklearn_program", str(data), *options])
    sklearn_program.main()
    assert json.loads(capsys.readouterr().out)["training_seconds"] > 0
    assert sklearn_program.build_classifier(3, 7).max_iter == 3


def test_jax(fake_programs: programs.Programs) -> None:
    assert fake_programs.jax(3)(7)["process_seconds"] == 5
    clone: Any = fake_programs.prepared
    assert clone.commands[-1][0] == "taskset"
    options = ("data/normalized", "--epochs", "3", "--seed", "7")
    assert clone.commands[-1][3:] == (str(programs.JAX_PYTHON), "bench/jax_program.py", *options)


def test_stage_train(fake_programs: programs.Programs) -> None:
    assert fake_programs.stage_train(7) == {"process_seconds": 5}
    assert last_arguments(fake_programs, "stages.train") == []


def test_takes_the_fastest_kernels_of_this_processor(
    fake_programs: programs.Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: dict[str, Run | CommandError] = {
        "Haswell": Run(1, 1, '{"flops_per_second": 2}\n', ""),
        "Zen": Run(1, 1, '{"flops_per_second": 3}\n', ""),
        "SkylakeX": CommandError("illegal instruction", -signal.SIGILL),
    }

    def run(*_command: str, **environment: str) -> Run:
        result = rates[environment["OPENBLAS_CORETYPE"]]
        if isinstance(result, CommandError):
            raise result
        return result

    monkeypatch.setattr(fake_programs, "run_on_one_core", run)
    kernels = [("numpy", {"OPENBLAS_CORETYPE": name}) for name in rates]
    assert fake_programs.matmul_throughput(kernels)(0) == {"flops_per_second": 3}
    rates["Zen"] = CommandError("other error", 1)
    with pytest.raises(CommandError, match="other error"):
        fake_programs.matmul_throughput(kernels)(0)
