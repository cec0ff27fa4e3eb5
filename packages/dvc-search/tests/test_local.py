"""Searches on this machine, without any remote."""

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from optuna.trial import TrialState

from consistency import hash_workspace, list_refs, list_trials
from daemons import Daemons, is_in_trial, list_processes, run_daemons, wait_until
from dvc_search import connection, session
from dvc_search.command_line import main
from dvc_search.configuration import read_configuration
from dvc_search.lock import lock_search
from dvc_search.study import Study
from dvc_search.yaml_file import read_yaml
from search_project import Project
from searches import COMMIT

pytestmark = pytest.mark.slow
INTERRUPTED = 130


def interrupt(daemons: Daemons, times: int, failed: int) -> str:
    """Start a search and press Ctrl-C, which the workers get too, while two trials are held, after others have failed.

    Release the trials after a single Ctrl-C, and return the output of the search.
    """
    hold = daemons.folder / "hold"
    daemons.project.hold_trials(hold)
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


def test_interrupted_and_failing_trials(project: Project, tmp_path: Path) -> None:
    space = {"lr": [4.5, 0.1, 0.2, 0.3], "epochs": 3}  # with this seed, in this order
    project.change("search.yaml", sampler="grid", seed=11, baseline=False, trials=10, space=space)
    project.commit("Search")
    before = hash_workspace(project)
    with run_daemons(project, tmp_path / "cluster") as daemons:
        output = interrupt(daemons, 2, failed=1)
        assert "trial-0  failed: ValueError: diverged  epochs=3 lr=4.5\n" in output
        assert "trial-1  stopped; the same command runs it again" in output
        assert "best of" not in output
        assert [trial.user_attrs.get("error", trial.state) for trial in list_trials(project, "trial")] == [
            "ValueError: diverged",
            TrialState.RUNNING,
            TrialState.RUNNING,
        ]
        assert list_processes(project.folder) == []
        assert list_refs(project.folder) == {}
        output = interrupt(daemons, 1, failed=0)
        assert "stopped" not in output
    page = project.folder / ".dvc/tmp/search/trial.html"
    assert output.endswith(
        f"show them:  dvc exp show --only-changed\nkeep one:   dvc exp apply trial-2\npage:       {page.as_uri()}\n"
    )
    experiment = project.git("rev-parse", "--short=7", list_refs(project.folder)["trial-2"])
    assert f"<td>{experiment}</td><td><code>dvc exp apply trial-2</code>" in page.read_text()

    assert "\nValueError: diverged\n" in project.run("dvc-search", "log", "trial-0").stdout
    values = {trial.number: trial.value for trial in list_trials(project, "trial")}
    assert values == {0: None, 1: -((0.1 - 0.3) ** 2), 2: -((0.2 - 0.3) ** 2)}
    assert list_refs(project.folder).keys() == {"trial-1", "trial-2"}
    assert hash_workspace(project) == before
    shown = json.loads(project.run("dvc", "exp", "show", "--json").stdout)
    assert sorted(rev["revs"][0]["name"] for rev in shown[1]["experiments"]) == ["trial-1", "trial-2"]
    project.run("dvc", "exp", "apply", "trial-2")
    assert "lr: 0.2" in (project.folder / "model.txt").read_text()


def test_prunes_a_running_trial(measured: Project) -> None:
    project = measured
    space = {"lr": [0.3, 0.5], "epochs": 6, "seconds": 0.5}
    project.change("search.yaml", sampler="grid", seed=1, baseline=False, pruner="asha", trials=2, space=space)
    project.commit("Search")
    before = hash_workspace(project)
    assert "trial-1  pruned  epochs=6 seconds=0.5 lr=0.5\n" in project.run("dvc-search", "--jobs", "1").stdout
    complete, pruned = list_trials(project, "trial")
    assert (complete.state, pruned.state) == (TrialState.COMPLETE, TrialState.PRUNED)
    assert len(complete.intermediate_values) > len(pruned.intermediate_values) > 0
    assert list_refs(project.folder).keys() == {"trial-0"}
    assert list_processes(project.folder) == []
    assert hash_workspace(project) == before


def test_errors_before_anything_starts(
    inside: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_errors(*options: str) -> list[str]:
        assert main(options) == 1
        output = capsys.readouterr()
        assert output.out == ""
        return output.err.splitlines()

    missing = "error: none.yaml: no such file; run from the folder that contains it"
    assert list_errors("--file", "none.yaml") == [missing]
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    assert list_errors("--on", "tcp://127.0.0.1:9")[0].startswith("error: tcp://127.0.0.1:9: no scheduler answers ")
    with lock_search("trial"):
        assert list_errors() == [f"error: search trial is running already (PID {os.getpid()}); wait for it or stop it"]
    inside.change("search.yaml", validate="python validate.py", space={"lr": [0.1, 6, 7]})
    inside.commit("Search")
    assert list_errors() == [
        f"error: search.yaml: space: lr: {value} is refused: params.yaml: lr: too high" for value in (6, 7)
    ]
    for value in ("0", "abc"):
        with pytest.raises(SystemExit, match="2"):
            main(["--trials", value])
        error = f"error: argument --trials: {value!r} is not allowed; it must be an integer of 1 or more\n"
        assert capsys.readouterr().err.endswith(error)


def test_fails_without_a_complete_trial(
    inside: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "run_trials", lambda *_: SimpleNamespace(error="", interrupts=0))
    inside.git("rm", "--quiet", "metrics.json")
    inside.commit("Ignore metrics")
    assert main([]) == 1
    note = "note: metrics.json: not in the last commit; the first trial will show whether it has the metric\n"
    assert capsys.readouterr().err == f"{note}error: no trial is complete\n"


def test_rejects_changed_stages(inside: Project, capsys: pytest.CaptureFixture[str]) -> None:
    Study(read_configuration(Path("search.yaml"), read_yaml(Path("params.yaml")))).begin(COMMIT)

    def find_error() -> str:
        assert main([]) == 1
        return capsys.readouterr().err.removeprefix("error: ")

    assert find_error().startswith(f"commit {COMMIT[:7]}, which search trial was started at, is not in the history of ")
    Path(".dvc/tmp/search/trial.db").unlink()
    commit = inside.git("rev-parse", "HEAD")
    Study(read_configuration(Path("search.yaml"), read_yaml(Path("params.yaml")))).begin(commit)
    inside.change("params.yaml", momentum=0.5)
    inside.commit("Change momentum")
    assert find_error().startswith(f"what stages read has changed since commit {commit[:7]}, which search trial was ")
