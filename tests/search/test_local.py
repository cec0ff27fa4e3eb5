"""Searches on this machine, without any remote."""

import json
import os
import signal
from pathlib import Path

import pytest
from optuna.trial import TrialState

from search.command_line import main
from tests.clone import Clone
from tests.search.consistency import hash_workspace, list_refs, list_trials
from tests.search.daemons import Daemons, is_in_trial, list_processes, run_daemons, wait_until
from tests.search.stub import change_search, hold_trials, search

pytestmark = pytest.mark.slow
INTERRUPTED = 130


def interrupt(daemons: Daemons, times: int, failed: int) -> str:
    """Start a search and press Ctrl-C, which the workers get too, while two trials are held, after others have failed.

    Release the trials after a single Ctrl-C, and return the output of the search.
    """
    hold = daemons.folder / "hold"
    hold_trials(daemons.clone, hold)
    process = daemons.start_search("--on", "local", "--jobs", "2")
    wait_until(lambda: daemons.read_log(process).count("failed") == failed and is_in_trial(process, 2))
    for number in range(times):
        os.killpg(process.pid, signal.SIGINT)
        text = ("running trials end; Ctrl-C again stops them", "stopping the running trials")[number]
        wait_until(lambda text=text: text in daemons.read_log(process))  # type: ignore[misc]
    if times == 1:
        hold.unlink()
    assert process.wait(60) == INTERRUPTED
    return daemons.read_log(process)


def test_interrupted_and_failing_trials(project: Clone, tmp_path: Path) -> None:
    space = {"lr": [4.5, 6, 0.1, 0.2, 0.3], "epochs": 3}
    change_search(project, sampler="grid", trials=10, space=space)
    project.commit("Search")
    before = hash_workspace(project)
    with run_daemons(project, tmp_path / "cluster") as daemons:
        output = interrupt(daemons, 2, failed=2)
        assert "trial-0  failed: ValueError: diverged  epochs=3 lr=4.5\n" in output
        assert "trial-2  stopped; the same command runs it again" in output
        assert "\nno trial is complete\n" in output
        assert [trial.user_attrs.get("error", trial.state) for trial in list_trials(project, "trial")] == [
            "ValueError: diverged",
            "params.yaml: lr: too high",
            TrialState.RUNNING,
            TrialState.RUNNING,
        ]
        assert list_processes(project.folder) == []
        output = interrupt(daemons, 1, failed=0)
        assert "keep one:   dvc exp apply trial-3\n" in output
        assert "stopped" not in output

    values = {trial.number: trial.value for trial in list_trials(project, "trial")}
    assert values == {0: None, 1: None, 2: -((0.1 - 0.3) ** 2), 3: -((0.2 - 0.3) ** 2)}
    assert list_refs(project.folder).keys() == {"trial-2", "trial-3"}
    assert hash_workspace(project) == before
    shown = json.loads(project.run("dvc", "exp", "show", "--json").stdout)
    assert sorted(rev["revs"][0]["name"] for rev in shown[1]["experiments"]) == ["trial-2", "trial-3"]
    project.run("dvc", "exp", "apply", "trial-3")
    assert "lr: 0.2" in (project.folder / "model.txt").read_text()


def test_prunes_a_running_trial(measured: Clone) -> None:
    space = {"lr": [0.3, 0.5], "epochs": 6, "seconds": 0.5}
    change_search(measured, sampler="grid", pruner="asha", trials=2, space=space)
    measured.commit("Search")
    before = hash_workspace(measured)
    output = search(measured, "--jobs", "1").stdout
    assert "trial-1  pruned  epochs=6 seconds=0.5 lr=0.5\n" in output
    complete, pruned = list_trials(measured, "trial")
    assert (complete.state, pruned.state) == (TrialState.COMPLETE, TrialState.PRUNED)
    assert len(complete.intermediate_values) > len(pruned.intermediate_values) > 0
    assert list_refs(measured.folder).keys() == {"trial-0"}
    assert list_processes(measured.folder) == []
    assert hash_workspace(measured) == before


def test_errors_before_anything_starts(
    project: Clone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.folder)

    def list_errors(*options: str) -> list[str]:
        assert main(options) == 1
        output = capsys.readouterr()
        assert output.out == ""
        return output.err.splitlines()

    assert list_errors("--file", "none.yaml") == [
        "error: none.yaml: no such file; run from the folder that contains it"
    ]
    change_search(project, validate="python validate.py", space={"lr": [0.1, 6, 7]})
    project.commit("Search")
    assert list_errors() == [
        f"error: search.yaml: space: lr: {value} is refused: params.yaml: lr: too high" for value in (6, 7)
    ]
    unreachable = list_errors("--on", "tcp://127.0.0.1:9", "--file", "search.yaml")
    assert unreachable[0].startswith("error: there is no Git remote; to fix: ")
    with pytest.raises(SystemExit, match="2"):
        main(["--trials", "0"])
