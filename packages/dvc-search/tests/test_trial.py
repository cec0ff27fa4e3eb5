"""A trial without an engine: what it records, and what it leaves."""

import json
import os
import shutil
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from consistency import assert_refs_have_data
from dvc_search.clone import open_clone
from dvc_search.git import git, try_git
from dvc_search.record import push_experiment, wait_for_remote
from dvc_search.repository import fetch_experiments, find_source, make_apply_command, make_task
from dvc_search.task import Control, Metric, Outcome, Task, TrialError
from dvc_search.trial import run_trial, to_override
from search_project import Project, list_coverage_variables
from searches import CONFIGURATION, SOURCE, configure
from ssh_server import SSHD, run_ssh_server

pytestmark = pytest.mark.slow


@pytest.fixture
def task(shared: Project, inside: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """Return a trial, and change to the folder of a worker: another clone of the Git remote."""
    shared.git("clone", "--quiet", str(tmp_path / "git"), str(tmp_path / "node"))
    monkeypatch.chdir(tmp_path / "node")
    for name in list_coverage_variables():  # dvc is slower with them
        monkeypatch.delenv(name)
    return Task(
        name="trial-0",
        commit=shared.git("rev-parse", "HEAD"),
        repository=str(tmp_path / "git"),
        project="",
        parameters={"lr": 0.25, "sizes": [3, 4]},
        metrics=CONFIGURATION.metrics,
        author=("Tester", "tester@localhost"),
        pushes_data=True,
        patience=3.0,
    )


class Reports(list[tuple[int, float]]):
    """Reports of a trial, and its lines for the user."""

    def __init__(self) -> None:
        """Begin with no reports."""
        self.lines: list[str] = []

    def add(self, step: int, value: float) -> None:
        """Add a report."""
        self.append((step, value))


def control(reports: Reports) -> Control:
    return Control(reports.add, reports.lines.append, lambda: False)


def run(task: Task) -> Outcome:
    return run_trial(task, control(Reports()))


def has_ref(task: Task) -> bool:
    return try_git(Path(task.repository), "rev-parse", "--verify", "--quiet", task.ref) is not None


def test_records_experiment_with_its_data(task: Task, shared: Project, tmp_path: Path) -> None:
    task = replace(task, parameters=task.parameters | {"epochs": 3, "seconds": 0.4})
    reports = Reports()
    outcome = run_trial(task, control(reports))
    assert outcome == Outcome("complete", (-((0.25 - 0.3) ** 2),))
    assert reports[-1] == (3, outcome.values[0])
    assert {step for step, _ in reports} <= {1, 2, 3}

    shutil.rmtree(shared.folder / ".dvc/cache")
    shared.run("sh", "-c", make_apply_command(SOURCE._replace(remote="origin"), "trial-0"))
    assert "lr: 0.25" in (shared.folder / "model.txt").read_text()
    assert "sizes:\n- 3\n- 4\n" in (shared.folder / "params.yaml").read_text()
    author = git(Path(task.repository), "log", "-1", "--format=%an <%ae>", task.ref)
    assert author == "Tester <tester@localhost>"

    # The same trial again: the experiment is found, and does not run; another one in the same clone does.
    assert run(task) == outcome
    assert run(replace(task, name="trial-1", parameters={"lr": 0.125})).values[0] == -((0.125 - 0.3) ** 2)
    assert [path.name for path in (tmp_path / "node/.dvc/tmp/search/clones").glob("*/*/")] == ["0"]
    # ... and with another metric or other parameters: it is not the same trial.
    error = "metrics.json: no number under test.score of the experiment"
    assert run(replace(task, metrics=(Metric("metrics.json", "test.score"),))) == Outcome("failed", error=error)
    error = "an experiment trial-0 with other parameters is on the Git remote; choose another name"
    assert run(replace(task, parameters={"lr": 0.5})) == Outcome("unrecorded", error=error)
    assert git(Path(), "status", "--porcelain") == ""


def test_failed_trials_are_not_recorded(task: Task) -> None:
    assert run(replace(task, parameters={"lr": 8})) == Outcome("lost", error="a stage was killed")
    is_nan = Outcome("failed", error="metrics.json: validation.score is nan")
    assert run(replace(task, parameters={"lr": 4})) == is_nan
    assert not has_ref(task)


def test_refused_push_is_not_repeated(task: Task) -> None:
    hook = Path(task.repository, "hooks/pre-receive")
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    task = replace(task, patience=600, pushes_data=False)
    with open_clone(task) as clone:
        git(clone.folder, "update-ref", task.ref, git(clone.folder, "commit-tree", "-m", "Trial", "HEAD^{tree}"))
        with pytest.raises(TrialError) as caught:
            wait_for_remote(task, control(Reports()), lambda: push_experiment(clone, task, control(Reports())))
    assert caught.value.outcome.state == "unrecorded"
    assert caught.value.outcome.error.startswith("git push: ! [remote rejected]")
    assert not has_ref(task)


def test_stops_while_it_waits_for_a_remote(task: Task, tmp_path: Path) -> None:
    (tmp_path / "git").rename(tmp_path / "away")
    assert (
        run_trial(replace(task, patience=600), control(Reports())._replace(should_stop=lambda: True)).state == "stopped"
    )


def test_waits_for_remotes(task: Task, tmp_path: Path) -> None:
    """The Git remote is away at the start, and the DVC remote at the end."""
    for name in ("git", "storage"):
        (tmp_path / name).rename(tmp_path / f"{name}-away")
    assert run(replace(task, patience=0.5)).error.startswith("git clone: fatal: repository")

    (tmp_path / "storage").touch()  # a file: dvc push fails

    reports = Reports()
    recorded: list[bool] = []

    def return_later(name: str, command: str) -> None:
        end = time.monotonic() + 60
        while not any(line.startswith(f"waits for a remote: {command} ") for line in reports.lines):
            assert time.monotonic() < end
            time.sleep(0.05)
        if name == "storage":
            recorded.append(has_ref(task))  # no experiment without its data
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / f"{name}-away").rename(tmp_path / name)

    threads = [
        threading.Thread(target=return_later, args=arguments) for arguments in (("git", "git"), ("storage", "dvc"))
    ]
    for thread in threads:
        thread.start()
    outcome = run_trial(replace(task, patience=60), control(reports))
    for thread in threads:
        thread.join()
    assert outcome.state == "complete"
    assert recorded == [False]
    assert has_ref(task)
    assert reports.lines[0].startswith("waits for a remote: git clone: fatal: ")
    assert any(line.startswith("waits for a remote: dvc ") for line in reports.lines)


def test_first_of_two_attempts_wins(task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers run the same trial: one experiment, and both return its value."""
    outcomes = []
    slow = replace(task, parameters=task.parameters | {"seconds": 0.2})
    threads = [threading.Thread(target=lambda: outcomes.append(run(slow))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Outcome("complete", (-((0.25 - 0.3) ** 2),))] * 2
    assert git(tmp_path, "-C", task.repository, "for-each-ref", "--format=%(refname)", "refs/exps") == task.ref


def test_project_in_a_subfolder_without_remotes(
    inside: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(inside.folder / ".git")
    top = Project(tmp_path / "top")
    top.folder.mkdir()
    inside.folder.rename(top.folder / "inner")
    monkeypatch.chdir(top.folder / "inner")
    for arguments in (["init", "--quiet"], ["config", "user.name", "T"], ["config", "user.email", "t@localhost"]):
        top.git(*arguments)
    top.commit("Begin")
    source = find_source(on_this_machine=True)
    assert (source.repository, source.project) == (str(top.folder), "inner")
    task = make_task(configure(), source, 3.0, 1, "trial-0", {"lr": 0.1})  # as committed: an experiment without changes
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and ".dvc" not in path.parts}
    assert run(task).values[0] == -((0.1 - 0.3) ** 2)
    assert has_ref(task)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.skipif(SSHD is None, reason="needs sshd")
def test_remotes_over_ssh(inside: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside.git("init", "--quiet", "--bare", "--initial-branch=main", str(tmp_path / "git"))
    with run_ssh_server(tmp_path / "server") as server:
        monkeypatch.setenv("GIT_SSH_COMMAND", server.command)
        inside.environment["GIT_SSH_COMMAND"] = server.command
        settings = f"['remote \"storage\"']\n    keyfile = {server.key}\n"
        (inside.folder / ".dvc/config.local").write_text(settings)
        storage = tmp_path / "storage"
        inside.add_remotes(server.make_url(tmp_path / "git"), server.make_url(storage), storage)
        source = find_source(on_this_machine=False)

        inside.git("clone", "--quiet", source.repository, str(tmp_path / "node"))
        (tmp_path / "node/.dvc/config.local").write_text(settings)
        monkeypatch.chdir(tmp_path / "node")
        task = make_task(configure(), source, 5.0, 1, "trial-0", {"lr": 0.25})
        assert run(task) == Outcome("complete", (-((0.25 - 0.3) ** 2),))

        monkeypatch.chdir(inside.folder)
        fetch_experiments(source, "trial")
        assert inside.git("show", f"{task.ref}:params.yaml").startswith("lr: 0.25\n")
    assert assert_refs_have_data(tmp_path) == ["trial-0"]


def test_overrides() -> None:
    values = [1e-05, 1, True, None, "a b", '1"', [128, 64], ["x", None]]
    assert [to_override(value) for value in values] == [
        "1e-05", "1", "true", "null", '"a b"', '"1\\""', "[128,64]", '["x",null]',
    ]  # fmt: skip
    assert all(json.loads(to_override(value)) == value for value in values)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
@pytest.mark.parametrize(("folder", "size"), [(".dvc/tmp", "100k"), (".dvc/cache", "4k")])
def test_full_disk(task: Task, folder: str, size: str) -> None:
    """There is room for a part of the clone, or of the outputs."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        outcome = run(replace(task, patience=60))
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
    assert outcome.state == "unable"
    assert "No space left on device" in outcome.error
    assert not has_ref(task)
