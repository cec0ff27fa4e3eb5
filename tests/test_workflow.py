import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.clone import ROOT

WORKFLOW = ROOT / ".github/workflows/ci.yml"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    """Read the jobs of the workflow."""
    jobs: dict[str, Any] = YAML(typ="safe").load(WORKFLOW)["jobs"]
    return jobs


def test_runs_commands_of_the_makefile(jobs: dict[str, Any]) -> None:
    commands = {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    assert commands == {".ci/run", "make check", "make run", 'make gate BASE="$BASE"', "make audit"}
    [phony] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert {command.split()[1] for command in commands if command.startswith("make ")} <= set(phony.split())


def test_starts_with_oldest_python(jobs: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f">={jobs['test']['strategy']['matrix']['python'][0]}" == project["requires-python"]


def test_pins_actions_by_commit() -> None:
    uses = re.findall(r"uses: (.*)", WORKFLOW.read_text())
    assert uses
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
