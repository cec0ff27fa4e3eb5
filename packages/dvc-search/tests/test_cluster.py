"""Searches on a Dask cluster of real processes, which are killed and frozen in the middle of trials."""

import re
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from consistency import assert_complete, assert_refs_have_data, hash_workspace, list_trials
from daemons import Daemons, Process, find_free_port, is_in_trial, kill, list_processes, run_daemons, wait_until
from dvc_search import connection, events
from dvc_search.cluster import Cluster
from dvc_search.connection import connect, describe_risk
from dvc_search.errors import SearchError
from dvc_search.node import list_differences, list_requirements
from dvc_search.task import Outcome
from search_project import Project
from searches import make_task

MANY = 100  # trials: the search does not end before its last part


@pytest.fixture
def daemons(shared: Project, tmp_path: Path) -> Iterator[Daemons]:
    """Return a cluster, and a project with a conditional search, whose trials run once `hold` is deleted."""
    branches = {"sgd": {"lr": {"low": 0.1, "high": 0.5}}, "adam": {"lr": {"low": 0.2, "high": 0.3}, "epochs": 3}}
    space = {"optimizer": branches, "seconds": 0.3}
    shared.change("search.yaml", trials=MANY, space=space)
    (shared.folder / "versions.yaml").write_text(f"rich: {version('rich')}\n")
    shared.commit("Search")
    shared.git("push", "--quiet")
    shared.hold_trials(tmp_path / "hold")
    with run_daemons(shared, tmp_path / "cluster") as cluster:
        yield cluster


@pytest.mark.slow
def test_survives_kills(daemons: Daemons, tmp_path: Path) -> None:
    before = hash_workspace(daemons.project)
    daemons.start_scheduler()
    first, second = (daemons.start_worker(name) for name in ("node-1", "node-2"))
    search = daemons.start_search()
    wait_until(lambda: is_in_trial(first) and is_in_trial(second))
    kill(first)
    wait_until(lambda: "has ended; it will run again" in daemons.read_log(search))
    wait_until(lambda: not list_processes(daemons.folder / "node-1"))
    third = daemons.start_worker("node-3")  # joins late
    freeze_worker(daemons, search, second)

    # The search is killed, and resumes; the scheduler is killed, and the search says so.
    wait_until(lambda: is_in_trial(third))
    kill(search)
    (tmp_path / "hold").unlink()
    search = daemons.start_search()
    wait_until(lambda: "validation.score" in daemons.read_log(search) and is_in_trial(third))
    assert assert_refs_have_data(tmp_path)
    page = daemons.project.folder / ".dvc/tmp/search/trial.html"
    assert '<meta http-equiv="refresh"' in page.read_text()
    kill_scheduler(daemons, search)
    assert '<meta http-equiv="refresh"' not in page.read_text()
    wait_until(lambda: second.poll() is not None and third.poll() is not None)
    assert list_processes(tmp_path / "cluster") == []
    assert_refs_have_data(tmp_path)

    complete(daemons, tmp_path)
    assert hash_workspace(daemons.project) == before
    daemons.close()
    assert list_processes(tmp_path / "cluster") == []


def freeze_worker(daemons: Daemons, search: Process, worker: Process) -> None:
    """Freeze a worker in the middle of a trial until it is given up, and wake it. Meanwhile, start another version."""
    worker.send_signal(signal.SIGSTOP)
    refuse_other_version(daemons, search)
    wait_until(lambda: daemons.read_log(search).count("has ended; it will run again") == 2)
    worker.send_signal(signal.SIGCONT)


def refuse_other_version(daemons: Daemons, search: Process) -> None:
    """Start a worker with another version of a package."""
    metadata = daemons.folder / "other/rich-0.1.dist-info/METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: rich\nVersion: 0.1\n")
    other = daemons.start_worker("other-node", PYTHONPATH=str(daemons.folder / "other"))
    wait_until(lambda: f"refused: rich 0.1 instead of {version('rich')}" in daemons.read_log(search))
    kill(other)


def kill_scheduler(daemons: Daemons, search: Process) -> None:
    """Kill the scheduler; the search ends with a line that says so."""
    assert daemons.scheduler is not None
    kill(daemons.scheduler)
    assert search.wait(60) == 1
    error = "error: the scheduler has ended; start it and its workers again, then the same command resumes\n"
    assert daemons.read_log(search).endswith(error)
    assert "Traceback" not in daemons.read_log(search)


def complete(daemons: Daemons, folder: Path) -> None:
    """Start all again, with another search beside it, whose only trial is repeated."""
    daemons.start_scheduler()
    for name in ("node-1", "node-2"):
        daemons.start_worker(name)
    text = (daemons.project.folder / "search.yaml").read_text()
    (folder / "other.yaml").write_text(text.replace('"trial"', '"other"') + "repeat: {momentum: [0, 0.5]}\n")
    count = len(list_trials(daemons.project, "trial"))
    searches = [
        daemons.start_search("--trials", str(count)),
        daemons.start_search("--trials", "1", "--file", str(folder / "other.yaml")),
    ]
    for search in searches:
        assert search.wait(120) == 0, daemons.read_log(search)
    assert f"best of {count} trials by validation.score:" in daemons.read_log(searches[0])
    assert len(assert_refs_have_data(folder)) == count + 2
    assert_complete(daemons.project, "trial", count)
    assert_complete(daemons.project, "other", 1)
    assert "Running stage 'train'" in daemons.project.run("dvc-search", "log", "other-0").stdout  # of another machine
    studies = daemons.project.run("optuna", "studies", "--storage", "sqlite:///.dvc/tmp/search/trial.db", "-f", "json")
    assert f'"n_trials": {count}' in studies.stdout


@pytest.mark.slow
def test_rejects_scheduler_without_the_package(daemons: Daemons, monkeypatch: pytest.MonkeyPatch) -> None:
    package = daemons.folder / "other/dvc_search/__init__.py"  # another package of this name
    package.parent.mkdir(parents=True)
    package.touch()
    daemons.project.environment["PYTHONPATH"] = str(daemons.folder / "other")
    daemons.start_scheduler()
    error = (
        rf"^{daemons.address}: the scheduler cannot run the search: ModuleNotFoundError: No module named '?dvc_search"
    )
    with pytest.raises(SearchError, match=error), connect(daemons.address, 1):
        pass


def test_versions_that_workers_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    required = list_requirements()
    assert required.keys() == {"Python", "dvc-search", "dvc", "distributed"}
    assert required["Python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    Path("versions.yaml").write_text('numpy: "1.2"\nno-such-package: "1"\n')
    required = list_requirements() | {"numpy": version("numpy") + "+local"}
    assert list_differences(required) == ["no-such-package none instead of 1"]


@pytest.mark.parametrize(
    "address", ["local", "tcp://127.0.0.1:8786", "tcp://[::1]:8786", "tcp://localhost:1", "tls://a:1"]
)
def test_safe_address(address: str) -> None:
    assert describe_risk(address) is None


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.1:8786", "tcp://head:8786", "tcp://127.0.0.1.example.com:1", "ws://a:1"]
)
def test_address_that_runs_code_for_anyone(address: str) -> None:
    risk = f"{address} is not encrypted: whoever reaches this port can run code on all workers; use tls://"
    assert describe_risk(address) == risk


def test_rejects_encryption_without_certificate() -> None:
    error = r"^tls://a:1: no certificate is set for TLS; set distributed\.comm\.tls"
    with pytest.raises(SearchError, match=error), connect("tls://a:1", 1):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{}", "nonsense://127.0.0.1:{}", "tcp://[::1:{}"])
def test_rejects_address_without_scheduler(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    address = address.format(find_free_port())
    error = rf"^{re.escape(address)}: no scheduler answers \(.*\); start one: dask scheduler$"
    with pytest.raises(SearchError, match=error), connect(address, 1):
        pass


def test_avoids_worker_whose_machine_cannot_run_a_trial() -> None:
    """Its disk is full, and it is always the first to be free again."""
    future = SimpleNamespace(
        result=lambda timeout: Outcome("unable", error="No space left on device"),  # noqa: ARG005 - its name
        add_done_callback=lambda call: call(None),
    )
    chosen: list[str] = []

    def submit(*_: object, workers: list[str], **__: object) -> SimpleNamespace:
        chosen.extend(workers)
        return future

    client = SimpleNamespace(subscribe_topic=lambda *_: None, submit=submit)
    cluster = Cluster(client, SimpleNamespace(usable={"first": 1, "second": 1}, update=list))  # type: ignore[arg-type]
    for _ in range(3):
        cluster.start(make_task("trial-0", {}))
        (ended,) = cluster.wait(0)
        error = f"No space left on device (worker {chosen[-1]})"
        assert ended == events.Ended("trial-0", Outcome("unable", error=error))
    assert chosen[:2] == ["first", "second"]
    assert chosen[2] in chosen[:2]  # there is no other
