"""The changes that docs/adapt.md shows: each is a diff, docs/adapt/NAME.diff, whose first line is its title."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from ruamel.yaml import YAML

from docs.tables import ROOT, Stages, add_later_stages, format_table, is_within


def list_changes() -> dict[str, Path]:
    """List the diffs by their names."""
    return {path.stem: path for path in sorted((ROOT / "docs/adapt").glob("*.diff"))}


def list_files(diff: Path) -> list[str]:
    """List the files that a diff changes or adds."""
    return re.findall(r"^\+\+\+ b/(.+)$", diff.read_text(), flags=re.MULTILINE)


def toggle(diff: Path, folder: Path) -> None:
    """Make the change of a diff in a copy of the project; if that has it already, undo it.

    Raises:
        ValueError: the code is no longer what the diff was made from.
    """
    for direction in ([], ["--reverse"]):
        command = ["git", "apply", *direction, str(diff.resolve())]
        if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0:  # noqa: S603
            return
    raise ValueError(f"docs/adapt/{diff.name} does not fit the code: adapt it, or delete it and its part of adapt.md")


def find_reruns(diff: Path) -> list[str]:
    """List the stages whose entry in dvc.yaml or whose files a diff changes, and those that read their outputs."""
    files = list_files(diff)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in {*files, "dvc.yaml"}:
            if (ROOT / path).exists():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, folder / path)
        before = read_stages(folder)
        toggle(diff, folder)
        after = read_stages(folder)
    stages = before | after
    changed = {
        name
        for name, stage in stages.items()
        if before.get(name) != after.get(name)
        or any(is_within(file, dep) for file in files for dep in stage.get("deps", []))
    }
    # The output of a stage that reads all of params.yaml says only that it is valid.
    constant = {name for name in changed if "params.yaml" in stages[name].get("deps", [])}
    found = constant | add_later_stages(stages, changed - constant)
    return [name for name in stages if name in found]


def read_stages(folder: Path) -> Stages:
    """Read the stages of a dvc.yaml."""
    stages: Stages = YAML(typ="safe").load(folder / "dvc.yaml")["stages"]
    return stages


def format_changes() -> str:
    """Format a table of the changes."""
    rows = []
    for name, diff in list_changes().items():
        title, *lines = diff.read_text().splitlines()
        added = [line for line in lines if line.startswith("+") and not line.startswith("+++ ")]
        count = f"{len(added)} in {len(list_files(diff))}"
        rows.append((f"[{title}](adapt/{name}.diff)", count, ", ".join(find_reruns(diff))))
    return format_table(("change", "lines in files", "reruns"), rows)


def format_diff(diff: Path) -> str:
    """Format a diff, without its title."""
    _, _, lines = diff.read_text().partition("\n\n")
    return f"```diff\n{lines}```"
