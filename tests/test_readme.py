"""Hold the README to the state of the repository."""

import json
import re
from itertools import pairwise

from tests.conftest import ROOT
from tests.faults import damage, races, scene

README = (ROOT / "README.md").read_text()


def test_the_accuracy_of_the_defaults_is_the_committed_one() -> None:
    accuracy = json.loads((ROOT / "metrics/metrics.json").read_text())["accuracy"]
    assert f"| `dvc repro` | {100 * accuracy:.2f} % |" in README
    assert re.search(rf"^\| metrics/metrics.json \| {accuracy:.4f} ", README, flags=re.MULTILINE)


def test_the_number_of_parameters_is_the_networks() -> None:
    sizes = [784, 128, 64, 10]
    count = sum(inputs * outputs + outputs for inputs, outputs in pairwise(sizes))
    assert f"{count:,} parameters" in README


def test_the_commands_that_mend_are_those_that_are_tried() -> None:
    section = read_section("When something is broken")
    for command in (damage.REPAIR, damage.ANEW, scene.REMOVE_REMAINS, *(state.mend for state in scene.STATES)):
        assert f"| `{command}` |" in section
    assert f"`{races.MEND}`" in README


def test_nothing_is_left_to_fill_in() -> None:
    assert not re.search(r"@[A-Z0-9]+@", README)


def test_every_module_of_the_stages_has_its_line() -> None:
    section = read_section("The files")
    listed = re.findall(r"^\| `(stages/[^`]+)` \| .+ \|$", section, flags=re.MULTILINE)
    assert sorted(listed) == sorted(str(path.relative_to(ROOT)) for path in (ROOT / "stages").rglob("*.py"))


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if target.startswith("#"):
            headings = re.findall(r"^#+ (.+)$", README, flags=re.MULTILINE)
            assert target[1:] in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        elif not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_figures_of_speed_are_those_that_were_measured() -> None:
    results = read_table((ROOT / "bench/RESULTS.md").read_text())
    shown = read_table(read_section("How fast"))
    assert shown
    columns = ("what", "ratio (min to max)", "target")
    measured = [{column: row[column] for column in columns} for row in results]
    assert [row for row in measured if row in shown] == shown
    missed = [row["what"] for row in results if "no" in row["met?"]]
    assert set(missed) <= {row["what"] for row in shown}


def read_section(title: str) -> str:
    """Read the text under a heading of the README."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def read_table(markdown: str) -> list[dict[str, str]]:
    """Read the one table of a text: its rows, by the names of the columns."""
    lines = [line for line in markdown.splitlines() if line.startswith("|") and "---" not in line]
    header, *rows = (re.split(r" *\| *", line)[1:-1] for line in lines)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_every_make_target_that_is_named_exists() -> None:
    targets = re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    named = set(re.findall(r"(?:`|\$ |=/\S+ )make ([\w-]+)", README))
    assert {"run", "test", "experiments", "best"} <= named
    assert named <= set(targets)
