import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from bench.each_stage import add_importtime, check_memory, compare_with_imports, read_commands, read_import_seconds
from bench.runner import Run
from tests.clone import ROOT

STDERR = """\
import time: self [us] | cumulative | imported package
import time:       250 |        250 |   encodings.aliases
import time:   1500000 |    1500250 | torch
a message of the stage
"""


def test_read_commands() -> None:
    commands = read_commands(ROOT / "dvc.yaml")
    assert list(commands) == list(YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"])
    assert commands["train"] == ["python", "-X", "importtime", "-m", "stages.train"]


@pytest.mark.parametrize("prefix", [[], ["exec"], ["exec", "env", "PYTHONSAFEPATH="]])
def test_add_importtime(prefix: list[str]) -> None:
    assert add_importtime([*prefix, "python", "-m", "a"]) == ["python", "-X", "importtime", "-m", "a"]


def test_add_importtime_rejects_other_commands() -> None:
    with pytest.raises(ValueError, match="'python' is not in list"):
        add_importtime(["sh", "-c", "true"])


def test_sums_import_times() -> None:
    assert read_import_seconds(STDERR) == pytest.approx(1.50025)


def test_reads_importtime_of_this_python() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import json"]
    stderr = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert 0 < read_import_seconds(stderr) < 10


def test_compare_with_imports() -> None:
    row = compare_with_imports("train", [Run(3.0005, 100, "", STDERR)])
    assert row[:4] == ("`train` without DVC, against its import time", "3.00 s", "1.50 s", "2.00 (2.00 to 2.00)")


@pytest.mark.parametrize(("peak", "met"), [(599, "yes"), (601, "**no**")])
def test_check_memory(peak: float, met: str) -> None:
    assert check_memory("train", [Run(1, peak, "", "")]).met == met
