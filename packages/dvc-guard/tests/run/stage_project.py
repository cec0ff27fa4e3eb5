"""A DVC project with a stage in shell and one in awk, each behind `dvc-guard run`, and a stand-in for dvc."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

from foreign_project import Project

FILES = {
    "dvc.yaml": """\
stages:
  copy:
    cmd: dvc-guard run sh copy.sh
    deps: [copy.sh, raw.txt]
    outs: [copied.txt]
  count:
    cmd: dvc-guard run awk -f count.awk copied.txt
    deps: [copied.txt, count.awk]
    params: [step, versions.yaml: [dvc]]
    outs: [count.txt]
""",
    "params.yaml": "step: 1\n",
    "versions.yaml": f"dvc: {version('dvc')}\n",
    "raw.txt": "1\n2\n",
    "copy.sh": "cp raw.txt copied.txt\n",
    # While there is a file `hold`, the stage runs.
    "count.awk": """\
END {
  print NR > "count.txt"
  if (system("test -e hold") == 0) system("touch started; while test -e hold; do sleep 0.1; done")
}
""",
}
DVC = """
import json, os, subprocess, sys
open(".dvc/tmp/rwlock", "w").write(json.dumps({"write": {"out": {"pid": os.getpid(), "cmd": "dvc"}}}))
for command in sys.argv[1:]:
    if command != "exec-run" and (status := subprocess.call(["/bin/sh", "-c", command])):
        sys.exit(status % 256)
"""


class StageProject(Project):
    """A project in which stages run."""

    @classmethod
    def create(cls, repository: Path, subdirectory: str = "") -> "StageProject":
        """Create a project without stages."""
        return cls(Project.create(repository, subdirectory).folder)

    def dvc(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run dvc until it ends; standard error is part of the standard output."""
        return subprocess.run(
            ["dvc", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start dvc in a session of its own, and wait until its stage `count` runs, which waits for `finish`."""
        (self.folder / "hold").touch()
        dvc = subprocess.Popen(
            ["dvc", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.wait_for("started")
        return dvc

    def finish(self, dvc: "subprocess.Popen[str]") -> str:
        """Let the stage end, and return what dvc printed."""
        (self.folder / "hold").unlink()
        return dvc.communicate()[0]

    def wait_for(self, name: str) -> None:
        """Wait until there is a file."""
        wait_until((self.folder / name).exists, 60)

    def list_processes(self) -> list[psutil.Process]:
        """List the other processes whose folder is the project."""
        return [process for process in psutil.process_iter() if process.pid != os.getpid() and self._has(process)]

    def _has(self, process: psutil.Process) -> bool:
        try:
            return bool(process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(self.folder))
        except (psutil.Error, OSError):
            return False

    def stand_in(
        self, *commands: str, worker: Sequence[str] = (), deps: str = "", **environment: str
    ) -> "subprocess.Popen[str]":
        """Start a stand-in for dvc that runs commands, as a stage with `deps`, until one fails; a child of `worker`.

        It leads a process group of its own.
        """
        self.write("dvc.yaml", f"stages: {{any: {{cmd: any, deps: [{deps}], outs: [out]}}}}")
        (self.folder / ".dvc/tmp").mkdir(exist_ok=True)
        return subprocess.Popen(
            [*worker, sys.executable, "-c", DVC, *commands],
            cwd=self.folder,
            env=os.environ | {"DVC_STAGE": "any", "DVC_ROOT": str(self.folder)} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def run_stages(self, *commands: str, deps: str = "", **environment: str) -> tuple[int, str, str]:
        """Run commands under the stand-in; return its exit status, standard output and standard error."""
        with self.stand_in(*commands, deps=deps, **environment) as dvc:
            output, errors = dvc.communicate(timeout=60)
        return dvc.returncode, output, errors


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition; fail if it is not met within that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
