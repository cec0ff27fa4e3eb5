"""Searches on a Dask cluster of real processes, which are killed and frozen in the middle of trials."""

import signal
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.clone import Clone
from tests.search.consistency import (
    assert_complete,
    assert_refs_have_data,
    hash_workspace,
    list_trials,
)
from tests.search.daemons import Daemons, Process, is_in_trial, kill, list_processes, run_daemons, wait_until
from tests.search.stub import change_search, hold_trials

pytestmark = pytest.mark.slow
MANY = 100  # trials: the search does not end before its last part


@pytest.fixture
def daemons(shared: Clone, tmp_path: Path) -> Iterator[Daemons]:
    """Return a cluster, and a project with a search whose trials take a second or two, once `hold` is deleted."""
    change_search(shared, trials=MANY, space={"lr": {"low": 0.1, "high": 0.5}, "epochs": 3, "seconds": 0.5})
    (shared.folder / "versions.yaml").write_text(f"rich: {version('rich')}\n")
    shared.commit("Search")
    shared.run("git", "push", "--quiet")
    hold_trials(shared, tmp_path / "hold")
    with run_daemons(shared, tmp_path / "cluster") as cluster:
        yield cluster


def test_survives_kills(daemons: Daemons, tmp_path: Path) -> None:
    clone = daemons.clone
    before = hash_workspace(clone)
    daemons.start_scheduler()
    first, second = (daemons.start_worker(name) for name in ("node-1", "node-2"))
    search = daemons.start_search()
    wait_until(lambda: is_in_trial(first) and is_in_trial(second))
    kill_worker(daemons, search, first)
    third = daemons.start_worker("node-3")  # joins late
    freeze_worker(daemons, search, second)

    # The search is killed, and resumes; the scheduler is killed, and the search says so.
    wait_until(lambda: is_in_trial(third))
    kill(search)
    (tmp_path / "hold").unlink()
    search = daemons.start_search()
    wait_until(lambda: "validation.score" in daemons.read_log(search) and is_in_trial(third))
    assert assert_refs_have_data(tmp_path / "git", tmp_path / "storage")
    kill_scheduler(daemons, search)
    wait_until(lambda: second.poll() is not None and third.poll() is not None)
    assert list_processes(tmp_path / "cluster") == []
    assert_refs_have_data(tmp_path / "git", tmp_path / "storage")

    complete(daemons, tmp_path)
    assert hash_workspace(clone) == before
    daemons.close()
    assert list_processes(tmp_path / "cluster") == []


def kill_worker(daemons: Daemons, search: Process, worker: Process) -> None:
    """Kill a worker in the middle of a trial."""
    kill(worker)
    wait_until(lambda: "has ended; it will run again" in daemons.read_log(search))
    wait_until(lambda: not list_processes(daemons.folder / "node-1"))


def freeze_worker(daemons: Daemons, search: Process, worker: Process) -> None:
    """Freeze a worker in the middle of a trial until it is given up, and wake it. Meanwhile, start what is refused."""
    worker.send_signal(signal.SIGSTOP)
    refuse_other_version(daemons, search)
    refuse_second_search(daemons, search)
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


def refuse_second_search(daemons: Daemons, search: Process) -> None:
    """Start another search of the same name."""
    refused = daemons.start_search()
    assert refused.wait(60) == 1
    error = f"error: search trial is running already (PID {search.pid}); wait for it or stop it\n"
    assert daemons.read_log(refused) == error


def kill_scheduler(daemons: Daemons, search: Process) -> None:
    """Kill the scheduler; the search ends with a line that says so."""
    assert daemons.scheduler is not None
    kill(daemons.scheduler)
    assert search.wait(60) == 1
    error = "error: the scheduler has ended; start it and its workers again, then the same command resumes\n"
    assert daemons.read_log(search).endswith(error)


def complete(daemons: Daemons, folder: Path) -> None:
    """Start all again, with another search beside it."""
    daemons.start_scheduler()
    for name in ("node-1", "node-2"):
        daemons.start_worker(name)
    text = (daemons.clone.folder / "search.yaml").read_text()
    (folder / "other.yaml").write_text(text.replace('"trial"', '"other"'))
    count = len(list_trials(daemons.clone, "trial")) + 1
    searches = [
        daemons.start_search("--trials", str(count)),
        daemons.start_search("--trials", "1", "--file", str(folder / "other.yaml")),
    ]
    for search in searches:
        assert search.wait(120) == 0, daemons.read_log(search)
    assert f"best of {count} trials by validation.score:" in daemons.read_log(searches[0])
    names = assert_refs_have_data(folder / "git", folder / "storage")
    assert len(names) == count + 1
    assert_complete(daemons.clone, folder / "git", "trial", count)
    assert_complete(daemons.clone, folder / "git", "other", 1)
