import os
import re
import shlex
import subprocess
import tomllib
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from checks.options import make_parser
from tests.clone import ROOT

WORKFLOW = ROOT / ".github/workflows/ci.yml"
ACTION = ROOT / "checks/action.yml"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    """Read the jobs of the workflow."""
    jobs: dict[str, Any] = YAML(typ="safe").load(WORKFLOW)["jobs"]
    return jobs


def test_runs_commands_of_the_makefile(jobs: dict[str, Any]) -> None:
    commands = {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    assert commands == {".ci/run", "make setup", "make run", "make audit"}
    [phony] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert {command.split()[1] for command in commands if command.startswith("make ")} <= set(phony.split())


def test_runs_checks_as_the_makefile_does(jobs: dict[str, Any], tmp_path: Path) -> None:
    steps = [step for job in jobs.values() for step in job["steps"] if step.get("uses") == "$/checks"]
    assert {step["with"].pop("python") for step in steps} == {".venv/bin/python"}
    recipes = re.findall(r"^\tpython -m checks (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert [run_action(step["with"], tmp_path) for step in steps] == [
        make_parser().parse_args(shlex.split(recipe.replace("$(BASE)", "${{ github.event.pull_request.base.sha }}")))
        for recipe in recipes
    ]


def run_action(inputs: dict[str, str], folder: Path) -> Namespace:
    """Run the action's script with the environment of action.yml, and return the options that the checks get."""
    action = YAML(typ="safe").load(ACTION)
    inputs = {name: definition["default"] for name, definition in action["inputs"].items()} | inputs
    python = folder / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    inputs["python"] = str(python)
    step = action["runs"]["steps"][-1]
    environment = {
        name: re.sub(r"^\${{ inputs\.(\w+) }}$", lambda match: inputs[match[1]], value)
        for name, value in step["env"].items()
    }
    process = subprocess.run(
        ["bash", "-c", step["run"]],
        env=os.environ | environment | {"GITHUB_ACTION_PATH": str(ACTION.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    arguments = process.stdout.splitlines()
    return make_parser().parse_args(arguments[arguments.index(ACTION.parent.name) + 1 :])


def test_starts_with_oldest_python(jobs: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f">={jobs['test']['strategy']['matrix']['python'][0]}" == project["requires-python"]


def test_pins_actions_by_commit() -> None:
    uses = re.findall(r"uses: (.*)", WORKFLOW.read_text() + ACTION.read_text())
    uses = [action for action in uses if not action.startswith("$/")]  # of this repository, at the same commit
    assert len(uses) > 1
    for action in uses:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
    assert len(set(uses)) == len({action.partition("@")[0] for action in uses})


def test_lint_detects_pickles(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import pickle\n"
        "import joblib\n"
        "import numpy as np, pandas as pd, torch\n"
        "pickle.loads(b'')\n"
        "torch.load('model.pt')\n"
        "pd.read_pickle('table.pickle')\n"
        "np.load('array.npy', allow_pickle=True)\n"
    )
    detected = set()
    for command in (
        [
            "bandit",
            "--quiet",
            "--configfile",
            "pyproject.toml",
            "--format",
            "custom",
            "--msg-template",
            "{line}:{test_id}",
        ],
        ["ruff", "check", "--quiet", "--config", "pyproject.toml", "--select", "TID251", "--output-format", "concise"],
    ):
        process = subprocess.run([*command, str(program)], cwd=ROOT, capture_output=True, text=True, check=False)
        assert process.returncode == 1
        detected |= {int(line) for line in re.findall(r"^(?:.*\.py:)?(\d+):", process.stdout, flags=re.MULTILINE)}
    assert detected == {1, 2, 4, 5, 6, 7}
