import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from bench.each_stage import check_memory, compare_with_imports, read_commands, read_import_seconds
from bench.measure import Run
from tests.conftest import ROOT

ERRORS = """\
import time: self [us] | cumulative | imported package
import time:       250 |        250 |   encodings.aliases
import time:   1500000 |    1500250 | torch
a line of the stage's own
"""


def test_every_stage_is_run_in_order() -> None:
    commands = read_commands(ROOT / "dvc.yaml")
    assert list(commands) == list(YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"])
    assert commands["train"] == ["python", "-X", "importtime", "-m", "stages.train"]


def test_imports_add_up_without_counting_any_twice() -> None:
    assert read_import_seconds(ERRORS) == pytest.approx(1.50025)


def test_it_reads_what_python_prints() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import json"]
    errors = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert 0 < read_import_seconds(errors) < 10


def test_the_time_is_compared_with_the_imports() -> None:
    row = compare_with_imports("train", [Run(3.0005, 100, "", ERRORS)])
    assert row[:4] == ("`train` alone, against its imports", "3.00 s", "1.50 s", "2.00 (2.00 to 2.00)")


@pytest.mark.parametrize(("peak", "met"), [(599, "yes"), (601, "**no**")])
def test_memory_is_compared_with_what_is_allowed(peak: float, met: str) -> None:
    assert check_memory("train", [Run(1, peak, "", "")]).met == met
