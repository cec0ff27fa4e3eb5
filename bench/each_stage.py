"""Benchmark of each stage, run without DVC: wall time, import time, and peak memory."""

import re
import shlex
from pathlib import Path

from ruamel.yaml import YAML

from bench.clone import Clone
from bench.comparison import Row, compare
from bench.runner import ROUNDS, Run, interleave

MEMORY_LIMIT_MEGABYTES = 600.0
IMPORT_TIME = re.compile(r"^import time: +(\d+) \|", flags=re.MULTILINE)


def measure(folder: Path, rounds: int = ROUNDS, **parameters: object) -> list[Row]:
    """Run the stages in the order of dvc.yaml, each round in a fresh clone with these values in params.yaml."""

    def run_stages(number: int) -> dict[str, Run]:
        clone = Clone.of_head(folder / f"clone-{number}", **parameters)
        (clone.folder / "dvc.lock").unlink()  # without DVC, nothing updates it with the hashes of the new outputs
        commands = read_commands(clone.folder / "dvc.yaml")
        return {stage: clone.run(*command) for stage, command in commands.items()}

    results = interleave({"all stages": run_stages}, rounds)["all stages"]
    runs = {stage: [result[stage] for result in results] for stage in results[0]}
    return [compare_with_imports(*item) for item in runs.items()] + [check_memory(*item) for item in runs.items()]


def read_commands(dvc_yaml: Path) -> dict[str, list[str]]:
    """Read the command of each stage, starting at `python`, and add `-X importtime` to it.

    Raises:
        ValueError: a command does not contain the word `python`.
    """
    stages = YAML(typ="safe", pure=True).load(dvc_yaml)["stages"]
    return {name: add_importtime(shlex.split(stage["cmd"])) for name, stage in stages.items()}


def add_importtime(words: list[str]) -> list[str]:
    """Drop the words before `python`, such as `exec env`, and insert `-X importtime` after it."""
    python = words.index("python")
    return ["python", "-X", "importtime", *words[python + 1 :]]


def compare_with_imports(stage: str, runs: list[Run]) -> Row:
    """Build a row: wall time of the stage, reference: its import time."""
    imports = [read_import_seconds(run.stderr) for run in runs]
    what = f"`{stage}` without DVC, against its import time"
    return compare(what, [run.seconds for run in runs], imports, "s")


def read_import_seconds(stderr: str) -> float:
    """Sum the `self` column of the output of `python -X importtime`."""
    return sum(map(int, IMPORT_TIME.findall(stderr))) / 1e6


def check_memory(stage: str, runs: list[Run]) -> Row:
    """Build a row: peak memory of the stage, reference: the limit."""
    peaks = [run.peak_megabytes for run in runs]
    limits = [MEMORY_LIMIT_MEGABYTES] * len(runs)
    return compare(f"peak memory of `{stage}`, against the limit", peaks, limits, "MB", at_most=1)
