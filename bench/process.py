"""Run a command, and measure its wall time, its peak memory and when it printed each line."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
TIMEOUT_SECONDS = 3600


class Run(NamedTuple):
    """A finished command: seconds, peak memory in MB (10^6 bytes), and its lines with the second of each."""

    seconds: float
    megabytes: float
    lines: list[tuple[float, str]]

    @property
    def report(self) -> Any:
        """The last line, as JSON."""
        return json.loads(self.lines[-1][1])

    def get_epoch_seconds(self, epochs: int) -> float:
        """Return the seconds of an epoch, without the first one where a line `Epoch …` tells the ends of all."""
        ends = [second for second, line in self.lines if line.startswith("Epoch ")]
        if not ends:
            return float(self.report["training_seconds"]) / epochs
        return (ends[-1] - ends[0]) / (len(ends) - 1)


class Clone:
    """A clone of HEAD, where commands run on one core, without the user's settings of Git, DVC and threads."""

    def __init__(self, folder: Path, **parameters: object) -> None:
        """Clone HEAD into `folder`, set keys of params.yaml, and commit; needs MNIST_MIRROR in the environment."""
        self.folder = folder
        author = {f"GIT_{role}_{key}": "bench" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        self.environment = author | {
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "HOME": str(folder.parent),
            "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
            "MNIST_MIRROR": os.environ["MNIST_MIRROR"],
            "PYTHONUNBUFFERED": "1",
        }
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)  # noqa: S603, S607
        self.set_parameters(**parameters)
        self.commit()

    def set_parameters(self, **changes: object) -> None:
        """Change keys of params.yaml whose value is in their line."""
        path = self.folder / "params.yaml"
        lines = [line for line in path.read_text().splitlines() if line.partition(":")[0] not in changes]
        path.write_text("\n".join([*(f"{key}: {value}" for key, value in changes.items()), *lines]) + "\n")

    def commit(self) -> None:
        """Commit all changes, so that experiments start from them."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "Benchmark")

    def run(self, *command: str, **environment: str) -> Run:
        """Run a command on one core.

        Raises:
            SystemExit: its exit status is not 0, or it takes longer than TIMEOUT_SECONDS.
        """
        core = str(max(os.sched_getaffinity(0)))
        command = ("timeout", str(TIMEOUT_SECONDS), "taskset", "--cpu-list", core, *command)
        start = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - only commands of this package
            command,
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout  # noqa: S101 - for mypy
        lines = [(time.perf_counter() - start, line.rstrip("\n")) for line in process.stdout]
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            sys.exit("\n".join([f"error: {' '.join(command)} failed:", *(line for _, line in lines[-20:])]))
        return Run(seconds, usage.ru_maxrss * 1024 / 1e6, lines)
