import json
from pathlib import Path
from typing import Any

import pytest

from bench import article, contest, loop
from bench.measure import Run


class FakeClone:
    """A clone in `folder`, in which nothing runs: `run` notes the command and gives a report."""

    made: dict[Path, dict[str, object]]  # all clones, and their parameters

    def __init__(self, folder: Path) -> None:
        """Take the folder."""
        self.folder = folder
        self.commands: list[tuple[str, ...]] = []

    @classmethod
    def of_head(cls, folder: Path, **parameters: object) -> "FakeClone":
        """Note the parameters, and leave a metric."""
        cls.made[folder] = parameters
        (folder / "metrics").mkdir(parents=True)
        (folder / "metrics/metrics.json").write_text('{"accuracy": 0.75}')
        return cls(folder)

    def run(self, *command: str, **environment: str) -> Run:
        """Note the command."""
        self.commands.append(command)
        return Run(5, 100, f"Epoch 1\n{json.dumps({'seconds': 3, 'environment': environment})}\n", "")

    def commit(self) -> None:
        """Note the commit."""
        self.commands.append(("commit",))


@pytest.fixture
def contestants(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> contest.Contest:
    FakeClone.made = {}
    monkeypatch.setattr(contest, "Clone", FakeClone)
    return contest.Contest(tmp_path)


def last_arguments(contestants: contest.Contest, module: str) -> list[str]:
    commands: Any = contestants.prepared
    *python, name = commands.commands[-1][:3]
    assert (python, name) == (["python", "-m"], module)
    return list(commands.commands[-1][3:])


def test_all_images_are_for_training(contestants: contest.Contest, tmp_path: Path) -> None:
    assert FakeClone.made == {tmp_path / "prepared": {"validation_size": 0}}
    assert (tmp_path / "prepared/MNIST/raw").readlink() == tmp_path / "prepared/data/raw"


def test_the_articles_program_takes_its_arguments(
    contestants: contest.Contest, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result: dict[str, Any] = contestants.article("adam", 2, {"OMP_NUM_THREADS": "1"})(7)
    assert result == {"whole": 5, "seconds": 3, "environment": {"OMP_NUM_THREADS": "1"}}
    monkeypatch.chdir(data)
    monkeypatch.setattr("sys.argv", ["article", *last_arguments(contestants, "bench.article")])
    article.main()
    *epochs, accuracy, report = capsys.readouterr().out.splitlines()
    assert len(epochs) == 2
    assert f"Test Accuracy: {100 * json.loads(report)['accuracy']} %" == accuracy
    assert json.loads(report)["seconds"] > 0


def test_our_loop_takes_its_arguments(
    contestants: contest.Contest, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contestants.loop("adam", 2, "native")(7)["seconds"] == 3
    told: dict[str, Any] = {}
    monkeypatch.setattr("stages.shared.numerics.pin", lambda numerics: told.update(pinned=numerics))
    timing = loop.Timing(1, [0.5, 1], 0.9)
    monkeypatch.setattr(loop, "time_training", lambda folder, parameters: told.update(f=folder, p=parameters) or timing)
    monkeypatch.setattr("sys.argv", ["loop", *last_arguments(contestants, "bench.loop")])
    loop.main()
    assert json.loads(capsys.readouterr().out) == timing._asdict()
    assert told["f"] == Path("data/normalized")
    parameters = told["p"]
    assert (parameters.optimizer, parameters.lr, parameters.epochs, parameters.seed) == ("adam", 0.001, 2, 7)
    assert (parameters.numerics, told["pinned"], parameters.batch_size) == ("native", "native", 64)


def test_each_round_has_a_fresh_clone_for_dvc(contestants: contest.Contest, tmp_path: Path) -> None:
    assert contestants.repro(10)(3) == {"whole": 5, "accuracy": 0.75}
    assert FakeClone.made[tmp_path / "fresh-3"] == {"validation_size": 0, "epochs": 10, "seed": 3}
    assert contestants.experiment(3) == {"whole": 5, "accuracy": 0.75}
