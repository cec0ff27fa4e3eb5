"""The workflow runs the commands of the Makefile, with actions pinned by commit; the linters detect pickles."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.clone import ROOT

WORKFLOW = ROOT / ".github/workflows/ci.yml"
ACTION = ROOT / "packages/dvc-guard/action.yml"
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    jobs: dict[str, Any] = YAML(typ="safe").load(WORKFLOW)["jobs"]
    return jobs


def test_runs_existing_targets(jobs: dict[str, Any]) -> None:
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    [phony] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)
    targets = {command.split()[1] for command in commands if command.startswith("make ")}
    assert targets
    assert targets <= set(phony.split())


def test_runs_checks_as_the_makefile_does(jobs: dict[str, Any]) -> None:
    """The inputs of the action are the options of dvc-guard, as its own tests check."""
    steps = [step["with"] for job in jobs.values() for step in job["steps"] if "dvc-guard" in step.get("uses", "")]
    recipes = re.findall(r"^\tdvc-guard (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert [list_words(step) for step in steps] == [
        recipe.replace('"$(BASE)"', "${{ github.event.pull_request.base.sha }}") for recipe in recipes
    ]


def list_words(inputs: dict[str, str]) -> str:
    options = [f"--{name} {value}" for name, value in inputs.items() if name not in {"check", "python"}]
    return " ".join([inputs["check"], *options])


def test_starts_with_oldest_python(jobs: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f">={jobs['test']['strategy']['matrix']['python'][0]}" == project["requires-python"]


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
        "bandit --quiet --configfile pyproject.toml --format custom --msg-template {line}:{test_id}",
        "ruff check --quiet --config pyproject.toml --select TID251 --output-format concise",
    ):
        words = [*command.split(), str(program)]
        process = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert process.returncode == 1
        detected |= {int(line) for line in re.findall(r"^(?:.*\.py:)?(\d+):", process.stdout, flags=re.MULTILINE)}
    assert detected == {1, 2, 4, 5, 6, 7}
