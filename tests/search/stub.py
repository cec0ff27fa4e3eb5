"""A DVC project of Python's standard library, whose two stages take a fraction of a second, and its remotes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.clone import ROOT, Clone

PARAMS = "lr: 0.1\nmomentum: 0\nepochs: 2\nseconds: 0.05\nsizes:\n- 1\n- 2\n"

# The value is -(lr - 0.3)**2, approached over the epochs; lr above 5 is a stage's error. The stage waits while the file
# that HOLD names exists.
TRAIN = '''"""Reads data.txt and params.yaml; writes model.txt and metrics.json."""

import json
import os
import pathlib
import sys
import time

lines = pathlib.Path("params.yaml").read_text().splitlines()
parameters = dict(line.split(": ") for line in lines if ": " in line)
lr, epochs, seconds = float(parameters["lr"]), int(parameters["epochs"]), float(parameters["seconds"])
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
    params: [epochs, lr, momentum, seconds, sizes]
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


def make_project(folder: Path) -> Clone:
    """Create the project, run its pipeline, and commit."""
    folder.mkdir(parents=True)
    files = {"params.yaml": PARAMS, "train.py": TRAIN, "prepare.py": PREPARE, "validate.py": VALIDATE}
    files |= {"dvc.yaml": PIPELINE, "search.yaml": SEARCH, ".dvcignore": ""}
    files |= {".dvc/config": "[core]\n    analytics = false\n", ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n"}
    (folder / ".dvc").mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    clone = Clone(folder)
    clone.environment["PYTHONPATH"] = str(ROOT)
    clone.run("git", "init", "--quiet", "--initial-branch=main")
    clone.identify()
    clone.run("dvc", "repro", "--quiet")
    clone.commit("Begin")
    return clone


def add_remotes(clone: Clone, git_url: str, dvc_url: str, storage: Path) -> None:
    """Add a Git and a DVC remote, push the commits, and copy the data to `storage`, the folder of the DVC remote.

    `dvc push` does the same, but takes most of a second to start.
    """
    with (clone.folder / ".dvc/config").open("a") as file:
        file.write(f"    remote = storage\n['remote \"storage\"']\n    url = {dvc_url}\n")
    clone.commit("Add remote")
    clone.run("git", "remote", "add", "origin", git_url)
    clone.run("git", "push", "--quiet", "--set-upstream", "origin", "main")
    shutil.copytree(clone.folder / ".dvc/cache/files", storage / "files")


def change_search(clone: Clone, **changes: Any) -> None:
    """Change keys of search.yaml."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in (read_search(clone) | changes).items()]
    (clone.folder / "search.yaml").write_text("\n".join(lines) + "\n")


def read_search(clone: Clone) -> dict[str, Any]:
    """Read search.yaml."""
    return dict(YAML(typ="safe", pure=True).load(clone.folder / "search.yaml"))


def hold_trials(clone: Clone, file: Path) -> None:
    """Let all trials wait in their stage until the file is deleted."""
    file.touch()
    clone.environment["HOLD"] = str(file)


def search(clone: Clone, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run a search and return how it ended."""
    return clone.run(sys.executable, "-m", "search", *options, check=False)


def list_coverage_variables() -> list[str]:
    """List the environment variables by which coverage measures the processes that a test starts."""
    return [name for name in os.environ if name.startswith("COVERAGE_")]
