"""Each stage alone, as a process: its time, how much of that its imports take, and its peak memory."""

import re
import shlex
from pathlib import Path

from ruamel.yaml import YAML

from bench.clone import Clone
from bench.comparison import Row, compare
from bench.measure import ROUNDS, Run, interleave

MEGABYTES_ALLOWED = 600.0
IMPORT_TIME = re.compile(r"^import time: +(\d+) \|", flags=re.MULTILINE)


def measure(folder: Path, rounds: int = ROUNDS, **parameters: object) -> list[Row]:
    """Run the stages one after the other, without DVC, each round in a fresh clone."""

    def run_stages(number: int) -> dict[str, Run]:
        clone = Clone.of_head(folder / f"clone-{number}", **parameters)
        (clone.folder / "dvc.lock").unlink()  # only DVC keeps it in step with what the stages write
        commands = read_commands(clone.folder / "dvc.yaml")
        return {stage: clone.run(*command) for stage, command in commands.items()}

    results = interleave({"all stages": run_stages}, rounds)["all stages"]
    runs = {stage: [result[stage] for result in results] for stage in results[0]}
    return [compare_with_imports(*item) for item in runs.items()] + [check_memory(*item) for item in runs.items()]


def read_commands(dvc_yaml: Path) -> dict[str, list[str]]:
    """Read the command of each stage, in the order of dvc.yaml, and have Python print what each import takes."""
    stages = YAML(typ="safe", pure=True).load(dvc_yaml)["stages"]
    commands = {name: shlex.split(stage["cmd"]) for name, stage in stages.items()}
    return {name: ["python", "-X", "importtime", *arguments] for name, (_exec, _python, *arguments) in commands.items()}


def compare_with_imports(stage: str, runs: list[Run]) -> Row:
    """Compare the time of a stage with that of its imports."""
    imports = [read_import_seconds(run.errors) for run in runs]
    return compare(f"`{stage}` alone, against its imports", [run.seconds for run in runs], imports, "s")


def read_import_seconds(errors: str) -> float:
    """Add up what `python -X importtime` printed: microseconds that each module took, without those it imports."""
    return sum(map(int, IMPORT_TIME.findall(errors))) / 1e6


def check_memory(stage: str, runs: list[Run]) -> Row:
    """Compare the peak memory of a stage with what it is allowed."""
    peaks = [run.peak_megabytes for run in runs]
    allowed = [MEGABYTES_ALLOWED] * len(runs)
    return compare(f"peak memory of `{stage}`, against what is allowed", peaks, allowed, "MB", at_most=1)
