"""The commands of docs/experiments.md, with real dvc and stand-ins for the stages that import torch."""

import re
import time
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from tests.clone import ROOT, Clone, write_parameters


@pytest.mark.parametrize("key", sorted(YAML(typ="safe").load(ROOT / "params.yaml")))
def test_override_changes_only_its_key(tmp_path: Path, key: str) -> None:
    """What `dvc exp run -S` does to params.yaml, without the run: other keys and all comments stay."""
    path = tmp_path / "params.yaml"
    write_parameters(path)
    before, comments = YAML(typ="safe").load(path), list_comments(path)
    apply_overrides(path, [f"{key}=[1e-05]" if isinstance(before[key], list) else f"{key}=1e-05"])
    value = YAML(typ="safe").load(path).pop(key)
    assert value == ([1e-05] if isinstance(before[key], list) else 1e-05)
    assert YAML(typ="safe").load(path) | {key: before[key]} == before
    assert list_comments(path) == comments


def list_comments(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.startswith("#")]


def test_change_is_compared_and_applied(light: Clone) -> None:
    light.run("dvc", "exp", "run", "--name", "faster", "-S", "lr=0.02")
    changed = light.run("git", "diff", "--unified=0", "params.yaml").stdout
    assert re.findall(r"^[-+](?!--|\+\+).*$", changed, flags=re.MULTILINE) == ["-lr: 0.002", "+lr: 0.02"]
    assert re.search(r"metrics/metrics.json +accuracy ", light.run("dvc", "metrics", "diff").stdout)
    metrics = (light.folder / "metrics/metrics.json").read_text()
    light.run("git", "restore", ".")
    light.run("dvc", "checkout")
    assert "up to date" in light.run("dvc", "status").stdout
    light.run("dvc", "exp", "apply", "faster")
    assert (light.folder / "metrics/metrics.json").read_text() == metrics


def test_sweep_through_the_queue(light: Clone) -> None:
    light.run("dvc", "exp", "run", "--queue", "-S", "lr=0.1,0.01")
    light.start_queue("--jobs", "2")
    head = light.run("git", "rev-parse", "HEAD").stdout.strip()
    while light.run("git", "for-each-ref", f"refs/exps/{head[:2]}/{head[2:]}").stdout.count("\n") < 2:
        time.sleep(0.5)
    table = light.make("--silent", "experiments", COLUMNS="120").stdout
    assert max(map(len, table.splitlines())) <= 120
    for column in ("dataset", "optimizer", "lr", "epochs", "validation.accuracy", "accuracy"):
        assert re.search(rf" {column} ", table.splitlines()[1])
    assert "…" not in table
    shown = re.findall(r"──.* ([\d.]+) +[\d.]+ +digits +adam +([\d.]+)", table)
    assert sorted(lr for _, lr in shown) == ["0.01", "0.1"]
    accuracies = [float(accuracy) for accuracy, _ in shown]
    assert accuracies == sorted(accuracies, reverse=True)
