"""Kill workers, searches and schedulers at random moments: python packages/dvc-search/tests/kills.py --workers 100.

After each kill, every experiment on the Git remote must have its data. At the end, the same command completes the
search, and Git remote, DVC remote and study must agree.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from consistency import assert_complete, assert_refs_have_data, hash_workspace, list_trials
from daemons import Daemons, Process, kill, list_processes, run_daemons, wait_until
from search_project import Project, make_project

LONGEST_WAIT = 6.0  # seconds between two kills; a trial takes about as long


class Series:
    """A search on two workers, from which processes are killed."""

    def __init__(self, daemons: Daemons, folder: Path, random: Random) -> None:
        """Start everything."""
        self.daemons = daemons
        self.folder = folder
        self.random = random
        daemons.start_scheduler()
        self.workers = [daemons.start_worker(f"node-{number}") for number in range(2)]
        self.search = daemons.start_search()

    def kill_worker(self) -> None:
        """Kill a worker and start another on the same node."""
        number = self.random.randrange(len(self.workers))
        kill(self.workers[number])
        self.workers[number] = self.daemons.start_worker(f"node-{number}")

    def kill_driver(self) -> None:
        """Kill the search and start it again."""
        kill(self.search)
        self.search = self.daemons.start_search()

    def kill_scheduler(self) -> None:
        """Kill the scheduler, which ends everything, and start all again."""
        assert self.daemons.scheduler is not None
        kill(self.daemons.scheduler)
        for process in (self.search, *self.workers):
            process.wait(120)
        wait_until(lambda: not list_processes(self.daemons.folder))
        self.daemons.start_scheduler()
        self.workers = [self.daemons.start_worker(f"node-{number}") for number in range(2)]
        self.search = self.daemons.start_search()

    def run(self, kinds: list[str]) -> None:
        """Kill one process after the other."""
        for number, kind in enumerate(kinds, start=1):
            time.sleep(self.random.uniform(0, LONGEST_WAIT))
            assert self.search.poll() is None or kind == "scheduler", self.daemons.read_log(self.search)
            getattr(self, f"kill_{kind}")()
            names = assert_refs_have_data(self.folder)
            print(f"{number}/{len(kinds)}: killed a {kind}; {len(names)} experiments", flush=True)

    def complete(self) -> None:
        """Complete the search, and compare everything."""
        kill(self.search)
        project = self.daemons.project
        count = len(list_trials(project, "trial"))
        final: Process = self.daemons.start_search("--trials", str(count))
        assert final.wait(300) == 0, self.daemons.read_log(final)
        assert_complete(project, "trial", count)
        assert len(assert_refs_have_data(self.folder)) == count
        print(f"{count} trials, all complete with their experiments and data")


def main() -> int:
    """Run the series that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    for kind, default in (("worker", 100), ("driver", 20), ("scheduler", 10)):
        parser.add_argument(f"--{kind}s", type=int, default=default, metavar="N", help=f"kills of a {kind}")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random = Random(options.seed)  # noqa: S311 - not for secrets
    kinds = [kind for kind in ("worker", "driver", "scheduler") for _ in range(getattr(options, f"{kind}s"))]
    random.shuffle(kinds)
    folder = Path(tempfile.mkdtemp(prefix="search-kills-"))
    project = make_shared_project(folder)
    before = hash_workspace(project)
    with run_daemons(project, folder / "cluster") as daemons:
        series = Series(daemons, folder, random)
        series.run(kinds)
        series.complete()
    assert hash_workspace(project) == before, "the workspace has changed"
    wait_until(lambda: not list_processes(folder))
    shutil.rmtree(folder)  # it stays after a failure
    return 0


def make_shared_project(folder: Path) -> Project:
    """Create the project and its remotes."""
    project = make_project(folder / "project")
    project.change("search.yaml", trials=10_000)
    project.commit("Search")
    project.share()
    return project


if __name__ == "__main__":
    sys.exit(main())
