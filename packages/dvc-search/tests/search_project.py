"""A DVC project with two stages of Python's standard library, which take a fraction of a second, and its remotes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

PARAMS = "lr: 0.1\noptimizer: sgd\nmomentum: 0\nepochs: 2\nseconds: 0.05\nsizes:\n- 1\n- 2\n"

# The value is -(lr - 0.3)**2, approached over the epochs; lr above 5 is a stage's error, and above 7 it is killed. The
# stage waits while the file that HOLD names exists.
TRAIN = '''"""Reads data.txt and params.yaml; writes model.txt and metrics.json."""

import json
import os
import pathlib
import sys
import time

lines = pathlib.Path("params.yaml").read_text().splitlines()
parameters = dict(line.split(": ") for line in lines if ": " in line)
lr, epochs, seconds = float(parameters["lr"]), int(parameters["epochs"]), float(parameters["seconds"])
if lr > 7:
    os.kill(os.getpid(), 9)
if lr > 5:
    sys.exit("error: params.yaml: lr: too high")
if lr > 4:
    raise ValueError("diverged")
while os.path.exists(os.environ.get("HOLD", "")):
    time.sleep(0.05)
for epoch in range(1, epochs + 1):
    time.sleep(seconds)
    value = -((lr - 0.3) ** 2) - (epochs - epoch) if lr < 4 else float("nan")
    temporary = pathlib.Path("metrics.tmp")
    temporary.write_text(json.dumps({"validation": {"score": value}, "step": epoch}))
    temporary.rename("metrics.json")
pathlib.Path("model.txt").write_text(pathlib.Path("data.txt").read_text() + "\\n".join(lines))
'''
PREPARE = 'import pathlib\n\npathlib.Path("data.txt").write_text("data\\n")\n'
VALIDATE = TRAIN.partition("while")[0].replace('if lr > 4:\n    raise ValueError("diverged")\n', "")
PIPELINE = """stages:
  prepare:
    cmd: exec python prepare.py
    deps: [prepare.py]
    outs: [data.txt]
  train:
    cmd: exec python train.py
    deps: [data.txt, train.py]
    params: [epochs, lr, momentum, optimizer, seconds, sizes]
    outs: [model.txt]
    metrics:
    - metrics.json: {cache: false}
"""
SEARCH = """name: trial
metric:
  metrics.json: validation.score
direction: maximize
trials: 4
sampler: random
space:
  lr: {low: 0.1, high: 0.5}
"""
FILES = {
    "params.yaml": PARAMS,
    "train.py": TRAIN,
    "prepare.py": PREPARE,
    "validate.py": VALIDATE,
    "dvc.yaml": PIPELINE,
    "search.yaml": SEARCH,
    ".dvcignore": "",
    ".dvc/config": "[core]\n    analytics = false\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
}


class Project:
    """A Git repository with a DVC project, and the environment that its commands run in.

    Attributes:
        folder: the repository.
        environment: of its commands: without settings of the user, of Git and of DVC.
    """

    def __init__(self, folder: Path) -> None:
        """Use the repository in `folder`."""
        self.folder = folder
        self.environment = {
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "HOME": str(folder.parent / "home"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
        }

    def run(self, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command; with `check`, its failure fails the test."""
        process = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and process.returncode:
            pytest.fail(f"{command} exited with {process.returncode}:\n{process.stdout}\n{process.stderr}")
        return process

    def git(self, *arguments: str) -> str:
        """Run a Git command, and return its output without the line break at its end."""
        return self.run("git", *arguments).stdout.rstrip("\n")

    def commit(self, message: str) -> str:
        """Commit everything, and return the commit's hash."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def change(self, name: str, **changes: Any) -> None:
        """Change keys of a YAML file."""
        path = self.folder / name
        content = YAML(typ="safe", pure=True).load(path) | changes
        path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in content.items()))

    def copy(self, folder: Path) -> "Project":
        """Copy the repository with its cache."""
        subprocess.run(["cp", "-a", self.folder, folder], check=True)
        return Project(folder)

    def add_remotes(self, git_url: str, dvc_url: str, storage: Path) -> None:
        """Add a Git and a DVC remote, push the commits, and copy the data to `storage`, the folder of the DVC remote.

        `dvc push` does the same, but takes most of a second to start.
        """
        with (self.folder / ".dvc/config").open("a") as file:
            file.write(f"    remote = storage\n['remote \"storage\"']\n    url = {dvc_url}\n")
        self.commit("Add remote")
        self.git("remote", "add", "origin", git_url)
        self.git("push", "--quiet", "--set-upstream", "origin", "main")
        shutil.copytree(self.folder / ".dvc/cache/files", storage / "files")

    def share(self) -> None:
        """Add a bare Git remote and a DVC remote, the folders `git` and `storage` beside the project."""
        git, storage = (self.folder.parent / name for name in ("git", "storage"))
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(git))
        self.add_remotes(str(git), str(storage), storage)

    def hold_trials(self, file: Path) -> None:
        """Let all trials wait in their stage until the file is deleted."""
        file.touch()
        self.environment["HOLD"] = str(file)


def make_project(folder: Path) -> Project:
    """Create the project, run its pipeline, and commit."""
    (folder / ".dvc").mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_text(content)
    project = Project(folder)
    project.git("init", "--quiet", "--initial-branch=main")
    project.git("config", "user.name", "Tester")
    project.git("config", "user.email", "tester@localhost")
    project.run("dvc", "repro", "--quiet")
    project.commit("Begin")
    return project


def list_coverage_variables() -> list[str]:
    """List the environment variables by which coverage measures the processes that a test starts."""
    return [name for name in os.environ if name.startswith("COVERAGE_")]
