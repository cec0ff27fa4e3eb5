"""The pages: their tables, figures, commands and links match the repository."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from docs.pages import PAGES as PAGES_WITH_TABLES
from docs.pages import write_page
from stages.shared.network import build_network
from stages.shared.parameters import NetworkParameters
from tests.clone import ROOT, list_files, read_head
from tests.stages.conftest import DATASET

Row = dict[str, str]

PAGES = [Path(name) for name in list_files("ls-files", "*.md") if (ROOT / name).exists()]
README = (ROOT / "README.md").read_text()
EXPERIMENTS = (ROOT / "docs/experiments.md").read_text()
RESULTS = (ROOT / "docs/results.md").read_text()
METRICS: dict[str, float] = json.loads(read_head("metrics/metrics.json"))
TRAINING: dict[str, Any] = json.loads(read_head("metrics/train/metrics.json"))

FOLDERS = "stages|predict|packages|bench|tests|docs|metrics"

each_page = pytest.mark.parametrize("page", PAGES, ids=str)


def read_section(text: str, title: str) -> str:
    assert f"\n## {title}\n" in text
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def read_table(markdown: str, *columns: str) -> list[Row]:
    """Read the rows of the one table that has all of the columns."""
    tables: list[list[Row]] = []
    for block in re.findall(r"(?:^\|.*\n?)+", markdown, flags=re.MULTILINE):
        header, _, *rows = (re.split(r" *\| *", line)[1:-1] for line in block.splitlines())
        if set(columns) <= set(header):
            tables.append([dict(zip(header, row, strict=True)) for row in rows])
    [table] = tables
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


@pytest.mark.parametrize("page", PAGES_WITH_TABLES)
def test_is_what_make_docs_writes(page: str) -> None:
    text = (ROOT / page).read_text()
    assert write_page(text) == text, "run make docs"


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


@each_page
def test_code_paths_exist(page: Path) -> None:
    """Paths in inline code, from the root of the project or of the package; NAME stands for any name."""
    for path in re.findall(rf"`((?:{FOLDERS}|src)/[\w./-]+)`", (ROOT / page).read_text()):
        assert "NAME" in path or (ROOT / path).exists() or (ROOT / page.parent / path).exists(), path


@each_page
def test_modules_exist(page: Path) -> None:
    for words in list_commands((ROOT / page).read_text()):
        if words[:2] == ["python", "-m"] and len(words) > 2 and re.match(rf"({FOLDERS})\b", words[2]):
            path = ROOT / words[2].replace(".", "/")
            assert "NAME" in words[2] or path.with_suffix(".py").exists() or (path / "__main__.py").exists(), words


@pytest.mark.parametrize("command", ["dvc-guard", "dvc-search"])
def test_commands_of_the_packages_have_the_options(command: str) -> None:
    """Those that the pages and the Makefile show."""
    recipes = re.findall(rf"^\t@?({command}\b.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    used = [recipe.split() for recipe in recipes]
    used += [words for page in PAGES for words in list_commands((ROOT / page).read_text()) if words[:1] == [command]]
    options: dict[str, set[str]] = {"": set()}
    for words in used:
        subcommand = words[1] if command == "dvc-guard" and len(words) > 1 and words[1].islower() else ""
        if subcommand != "run":  # its options may be those of a stage
            options.setdefault(subcommand, set()).update(re.findall(r"--[\w-]+", " ".join(words[1:])))
    helps = {name: read_help(command, name) for name in options if options[name] or not name}
    assert all(re.search(rf"\b{name}\b", helps[""]) for name in options)
    for name, text in helps.items():
        assert options[name] <= {*re.findall(r"--[\w-]+", text), "--help"}, name


def read_help(command: str, subcommand: str) -> str:
    words = [command, *filter(None, [subcommand]), "--help"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_readme_has_metrics_of_the_defaults() -> None:
    [row] = read_table(read_section(README, "Quick start"), "Path", "accuracy")
    shown = {name: float(value) for name, value in row.items() if name != "Path"}
    assert shown == {name: round(METRICS[name], 5) for name in shown}
    results = {row["command"]: row["test accuracy"] for row in read_table(README, "command", "test accuracy")}
    assert results["`dvc repro`"] == percent(METRICS["accuracy"])


def test_readme_has_the_size_of_the_network() -> None:
    # A parameter of one's own has its value of the workspace.
    values = YAML(typ="safe").load(ROOT / "params.yaml") | YAML(typ="safe").load(read_head("params.yaml"))
    parameters = NetworkParameters.model_validate({key: values[key] for key in NetworkParameters.model_fields})
    count = sum(tensor.numel() for tensor in build_network(DATASET, parameters).parameters())
    assert {f"{count:,}"} >= set(re.findall(r"\(([\d,]+) parameters\)", README))


def test_readme_has_losses_of_the_last_epoch() -> None:
    epochs, train, validation = TRAINING["step"], TRAINING["train"], TRAINING["validation"]
    assert (
        f"\nEpoch {epochs}/{epochs}: loss {train['loss']:.4f}, accuracy {train['accuracy']:.4f}; "
        f"validation loss {validation['loss']:.4f}, accuracy {validation['accuracy']:.4f}\n"
    ) in README


def test_readme_has_difference_from_the_defaults() -> None:
    rows = re.findall(r"^metrics/metrics\.json +(\w+) +([\d.]+) +([\d.]+) +(-?[\d.]+)$", README, flags=re.MULTILINE)
    assert rows
    for name, before, after, change in rows:
        assert float(before) == round(METRICS[name], 5)
        assert float(change) == pytest.approx(float(after) - float(before), abs=1.1e-5)
    [after] = [after for name, _, after, _ in rows if name == "accuracy"]
    results = {row["command"]: row["test accuracy"] for row in read_table(README, "command", "test accuracy")}
    assert results["`dvc exp run -S optimizer=adam -S lr=0.001`"] == percent(float(after))


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


def test_setup_has_the_oldest_python() -> None:
    minimum = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert f"Python {minimum} or newer" in (ROOT / "docs/setup.md").read_text()
    assert f"Python {minimum} or newer" in README
