"""The pages: their figures, commands and links match the repository."""

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from checks.fresh import RECREATE_LOCK
from tests.clone import ROOT

Row = dict[str, str]

PAGES = sorted(
    page.relative_to(ROOT) for folder in (".", "bench", "checks", "docs") for page in (ROOT / folder).glob("*.md")
)
README = (ROOT / "README.md").read_text()
EXPERIMENTS = (ROOT / "docs/experiments.md").read_text()
RESULTS = (ROOT / "docs/results.md").read_text()
MEASURED = (ROOT / "bench/RESULTS.md").read_text()
STAGES: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
PARAMETERS: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")
METRICS: dict[str, float] = json.loads((ROOT / "metrics/metrics.json").read_text())
TRAINING: dict[str, Any] = json.loads((ROOT / "metrics/train/metrics.json").read_text())

each_page = pytest.mark.parametrize("page", PAGES, ids=str)


def read_section(text: str, title: str) -> str:
    """Read the text below a heading of level 2."""
    assert f"\n## {title}\n" in text
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def read_tables(markdown: str) -> list[list[Row]]:
    """Read tables: their rows, by the names of the columns."""
    tables: list[list[Row]] = []
    for block in re.findall(r"(?:^\|.*\n?)+", markdown, flags=re.MULTILINE):
        header, _, *rows = (re.split(r" *\| *", line)[1:-1] for line in block.splitlines())
        tables.append([dict(zip(header, row, strict=True)) for row in rows])
    return tables


def read_table(markdown: str, *columns: str) -> list[Row]:
    """Read the rows of the one table that has all of the columns."""
    [table] = [table for table in read_tables(markdown) if set(columns) <= table[0].keys()]
    return table


def list_commands(markdown: str) -> Iterator[list[str]]:
    """List the commands in code, as words without assignments of variables."""
    code = re.findall(r"^\$ (.*?)(?: +#.*)?$", markdown, flags=re.MULTILINE)
    code += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", markdown, flags=re.MULTILINE | re.DOTALL))
    for line in code:
        for command in re.split(r"&&|;|\|", line):
            yield [word for word in command.split() if not re.match(r"\w+=", word)]


def list_anchors(markdown: str) -> set[str]:
    """List the anchors that GitHub gives to the headings."""
    prose = re.sub(r"^```.*?^```$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def percent(value: float) -> str:
    return f"{100 * value:.2f} %"


@each_page
def test_links_resolve(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text()):
        if not link.startswith("https://"):
            path, _, anchor = link.partition("#")
            target = ROOT / page.parent / path if path else ROOT / page
            assert target.exists(), link
            assert not anchor or anchor in list_anchors(target.read_text()), link


@each_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {word for words in list_commands((ROOT / page).read_text()) if words[:1] == ["make"] for word in words[1:]}
    assert named <= targets
    assert page != Path("README.md") or {"run", "test", "best", "bench", "check"} <= named


@each_page
def test_code_paths_exist(page: Path) -> None:
    """Paths of the project in inline code; NAME stands for any name."""
    roots = "stages|runtime|checks|bench|plots|tests|docs|metrics"
    for path in re.findall(rf"`((?:{roots})/[\w./-]+)`", (ROOT / page).read_text()):
        assert "NAME" in path or (ROOT / path).exists(), path


@each_page
def test_nothing_is_left_to_fill_in(page: Path) -> None:
    assert not re.search(r"\bNNN\b|@[A-Z0-9]+@|TODO|FIXME", (ROOT / page).read_text())


def test_readme_has_at_most_150_lines() -> None:
    assert len(README.splitlines()) <= 150


def test_readme_has_settings_of_params_yaml() -> None:
    introduction = " ".join(README.partition("\n## ")[0].split())
    sizes = [784, *PARAMETERS["hidden_sizes"], 10]
    count = sum(inputs * outputs + outputs for inputs, outputs in pairwise(sizes))
    assert f"{'-'.join(map(str, sizes))} with ReLU ({count:,} parameters)" in introduction
    assert f"{PARAMETERS['optimizer'].upper()} with a learning rate of {PARAMETERS['lr']}," in introduction
    assert f" {PARAMETERS['epochs']} epochs," in introduction
    assert f"`(x / 255 - {PARAMETERS['mean']}) / {PARAMETERS['std']}`" in introduction
    assert f"a batch size; here it is {PARAMETERS['batch_size']}." in introduction
    assert f" {PARAMETERS['validation_size']:,} training images are held out" in introduction
    assert f"{count:,} parameters" in RESULTS


def test_readme_has_metrics_of_the_defaults() -> None:
    [row] = read_table(read_section(README, "Quick start"), "Path", "accuracy")
    assert {name: float(row[name]) for name in METRICS} == {name: round(value, 5) for name, value in METRICS.items()}
    results = {row["command"]: row["test accuracy"] for row in read_table(README, "command", "test accuracy")}
    assert results["`dvc repro`"] == percent(METRICS["accuracy"])


def test_readme_has_losses_of_the_last_epoch() -> None:
    epochs, train, validation = TRAINING["step"], TRAINING["train"], TRAINING["validation"]
    assert epochs == PARAMETERS["epochs"]
    assert (
        f"\nEpoch {epochs}/{epochs}: loss {train['loss']:.4f}, accuracy {train['accuracy']:.4f}; "
        f"validation loss {validation['loss']:.4f}, accuracy {validation['accuracy']:.4f}\n"
    ) in README


def test_readme_has_difference_from_the_defaults() -> None:
    section = read_section(README, "Change one parameter")
    rows = re.findall(r"^metrics/metrics\.json +(\w+) +([\d.]+) +([\d.]+) +(-?[\d.]+)$", section, flags=re.MULTILINE)
    assert rows
    for name, before, after, change in rows:
        assert float(before) == round(METRICS[name], 5)
        assert float(change) == pytest.approx(float(after) - float(before), abs=1.1e-5)
    for name in ("lr", "optimizer"):
        assert re.search(rf"^params\.yaml +{name} +{PARAMETERS[name]} ", section, flags=re.MULTILINE)


def test_readme_has_accuracy_of_the_difference() -> None:
    [after] = re.findall(r"^metrics/metrics\.json +accuracy +[\d.]+ +([\d.]+)", README, flags=re.MULTILINE)
    results = {row["command"]: row["test accuracy"] for row in read_table(README, "command", "test accuracy")}
    assert results["`dvc exp run -S optimizer=adam -S lr=0.001`"] == percent(float(after))


def test_readme_has_stages_and_keys_of_dvc_yaml() -> None:
    rows = {row["stage"].strip("`"): row for row in read_table(README, "stage", "what it does")}
    assert list(rows) == list(STAGES)
    keys = {name: {key for key in stage.get("params", []) if isinstance(key, str)} for name, stage in STAGES.items()}
    rows_keys = {name: row["keys of `params.yaml`"] for name, row in rows.items()}
    for name in ("download", "normalize", "export"):
        assert set(re.findall(r"`(\w+)`", rows_keys[name])) == keys[name]
    assert rows_keys["train"] == "all others, and `seed`"
    assert keys["train"] == PARAMETERS.keys() - keys["download"] - keys["normalize"] | {"seed"}
    assert rows_keys["evaluate"] == "none"
    assert not keys["evaluate"]
    assert rows_keys["validate"] == "all"
    assert "params.yaml" in STAGES["validate"]["deps"]


def test_readme_has_existing_paths() -> None:
    tree = read_section(README, "Layout").partition("```text\n")[2].partition("```")[0]
    names = [name for line in tree.splitlines() for name in re.split(r" {2,}", line)[0].split()]
    assert "dvc.yaml" in names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_experiments_have_metrics_of_the_defaults() -> None:
    for name in ("workspace", "main"):
        [row] = re.findall(rf"^  {name} +([\d.]+) +([\d.]+) ", EXPERIMENTS, flags=re.MULTILINE)
        assert [float(value) for value in row] == [TRAINING["validation"]["accuracy"], METRICS["accuracy"]]


def test_results_have_accuracy_of_the_best() -> None:
    [best] = [row for row in read_table(RESULTS, "settings", "test accuracy") if row["settings"] == "`make best`"]
    rows = [row for row in read_table(README, "command", "test accuracy") if row["command"].startswith("`make best`")]
    assert [row["test accuracy"] for row in rows] == [best["test accuracy"]]
    mean, deviation = (re.findall(rf"^{name} .* ([\d.]+)$", RESULTS, flags=re.MULTILINE)[0] for name in ("mean", "std"))
    assert f"**{percent(float(mean)).removesuffix(' %')} % ± {percent(float(deviation))}**" in RESULTS


@pytest.mark.parametrize("text", [README, RESULTS], ids=["README", "results"])
def test_speed_is_as_measured(text: str) -> None:
    measured = {row["what"]: row for row in read_table(MEASURED, "benchmark")}
    rows = read_table(text, "what", "speed")
    assert rows
    for row in rows:
        source = measured[row["what"]]
        ratio = float(source["ratio (min to max)"].split()[0])
        assert row["speed"] == f"{1 / ratio:.2g} times as fast"
        assert [row[column] for column in ("measured", "reference")] == [source["measured"], source["reference"]]


def test_limits_are_as_measured() -> None:
    measured = {row["what"]: row for row in read_table(MEASURED, "benchmark")}
    rows = read_table(RESULTS, "what", "target")
    for row in rows:
        assert row == {column: measured[row["what"]][column] for column in row}
    missed = {row["what"] for row in measured.values() if row["met?"] not in {"yes", ""}}
    assert missed <= {row["what"] for row in rows}


def test_troubleshooting_has_messages_of_restore() -> None:
    """tests/restore checks when they are printed."""
    text = (ROOT / "docs/troubleshooting.md").read_text()
    code = "".join(path.read_text() for path in (ROOT / "restore").glob("*.py"))
    block = read_section(text, "make restore").partition("```console\n")[2].partition("```")[0]
    command, *lines = block.splitlines()
    assert command == "$ make restore"
    assert lines
    for line in lines:
        words = re.split(r" (?=\S*[./])|main|: ", line)
        assert words[0] in code, line
    assert f"`{RECREATE_LOCK.partition(': ')[2]}`" in text


def test_setup_has_pinned_versions() -> None:
    text = (ROOT / "docs/setup.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [dvc] = [pin for pin in project["dependencies"] if pin.startswith("dvc==")]
    pins = re.findall(r"dvc(?:\[\w+\])?(==[\d.]+)", text)
    assert pins
    assert set(pins) == {dvc.removeprefix("dvc")}
    minimum = project["requires-python"].removeprefix(">=")
    assert f"Python {minimum} or newer" in text
    assert f"Python {minimum} or newer" in README
