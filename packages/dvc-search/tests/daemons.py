"""A Dask cluster of real processes on 127.0.0.1, which a test kills one by one."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import psutil

from search_project import Project

WORKER_TTL = "5 s"
Process: TypeAlias = "subprocess.Popen[bytes]"


class Daemons:
    """Processes of a cluster and of searches; each has a log in `folder`."""

    def __init__(self, project: Project, folder: Path) -> None:
        """Run all searches in `project`."""
        self.project = project
        self.folder = folder
        self.processes: list[Process] = []
        self.address = f"tcp://127.0.0.1:{find_free_port()}"
        self.scheduler: Process | None = None
        self._count = 0

    def start_scheduler(self) -> None:
        """Start the scheduler, always on the same port."""
        port = self.address.rpartition(":")[2]
        command = ("dask", "scheduler", "--host", "127.0.0.1", "--port", port, "--dashboard-address", "127.0.0.1:0")
        self.scheduler = self._start(command, self.folder, DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL=WORKER_TTL)

    def start_worker(self, name: str, **environment: str) -> Process:
        """Start a worker on a node of that name: a clone of the Git remote."""
        node = self.folder / name
        if not node.exists():
            self.project.git("clone", "--quiet", self.project.git("remote", "get-url", "origin"), str(node))
        options = ("--nthreads", "1", "--no-nanny", "--dashboard-address", "127.0.0.1:0", "--death-timeout", "60")
        return self._start(("dask", "worker", self.address, *options), node, **environment)

    def start_search(self, *options: str) -> Process:
        """Start a search on the cluster."""
        return self._start(("dvc-search", "--on", self.address, *options), self.project.folder)

    def read_log(self, process: Process) -> str:
        """Return what a process has printed."""
        return self._get_log(self.processes.index(process)).read_text()

    def close(self) -> None:
        """Terminate what still runs, the workers before the scheduler, and kill what does not end."""
        running = [process for process in self.processes if process.poll() is None]
        for process in sorted(running, key=lambda process: process is self.scheduler):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, command: tuple[str, ...], folder: Path, **environment: str) -> Process:
        with self._get_log(len(self.processes)).open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=self.project.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def _get_log(self, number: int) -> Path:
        return self.folder / f"{number}.log"


@contextmanager
def run_daemons(project: Project, folder: Path) -> Iterator[Daemons]:
    """Yield a cluster without processes, and kill those that it has at the end."""
    folder.mkdir()
    daemons = Daemons(project, folder)
    try:
        yield daemons
    finally:
        daemons.close()


def find_free_port() -> int:
    """Return a port that no process of this machine uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def kill(process: Process) -> None:
    """Kill a process as `kill -9` does."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def is_in_trial(process: Process, count: int = 1) -> bool:
    """Return whether a stage of so many trials runs under a process."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return len([child for child in children if child.cmdline()[1:] == ["train.py"]]) == count
    except psutil.Error:
        return False


def list_processes(folder: Path) -> list[str]:
    """List the commands that run in a folder; one that is about to end has none."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder) and (command := process.cmdline()):
                found.append(" ".join(command))
        except (psutil.Error, OSError):
            continue
    return found


def wait_until(condition: Callable[[], object], seconds: float = 90) -> None:
    """Wait for a condition; raise AssertionError if it is not met within that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)  # conditions look at all processes of the machine
