"""The commands of docs/experiments.md, with real dvc and stand-ins for the stages that import torch."""

import re
import time
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from tests.clone import ROOT, Clone, list_stages_run, write_parameters


def names(clone: Clone) -> list[str]:
    return clone.run("dvc", "exp", "list", "--name-only").stdout.split()


def changed_lines(clone: Clone) -> list[str]:
    difference = clone.run("git", "diff", "--unified=0", "params.yaml").stdout
    return re.findall(r"^[-+](?!--|\+\+).*$", difference, flags=re.MULTILINE)


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


def test_change_is_compared_applied_and_kept(light: Clone) -> None:
    run = light.run("dvc", "exp", "run", "--name", "adam", "-S", "optimizer=adam", "-S", "lr=0.01")
    assert {"train", "evaluate", "export"} <= set(list_stages_run(run))
    assert not {"download", "normalize"} & set(list_stages_run(run))
    assert changed_lines(light) == ["-optimizer: sgd", "+optimizer: adam", "-lr: 0.1", "+lr: 0.01"]
    for command in (("metrics", "diff"), ("exp", "diff")):
        assert re.search(r"metrics/metrics.json +accuracy ", light.run("dvc", *command).stdout)
    assert re.search(r"params.yaml +optimizer +sgd +adam", light.run("dvc", "params", "diff").stdout)
    light.run("dvc", "plots", "diff", "HEAD", "adam")
    assert (light.folder / "dvc_plots/index.html").exists()

    adam = (light.folder / "metrics/metrics.json").read_text()
    light.run("git", "restore", ".")
    light.run("dvc", "checkout")
    assert "up to date" in light.run("dvc", "status").stdout
    light.run("dvc", "exp", "apply", "adam")
    assert (light.folder / "metrics/metrics.json").read_text() == adam
    light.run("dvc", "exp", "branch", "adam", "use-adam")
    assert light.run("git", "show", "use-adam:metrics/metrics.json").stdout == adam
    light.run("dvc", "exp", "remove", "adam")
    assert names(light) == []
    light.run("git", "restore", ".")
    light.run("dvc", "checkout")
    light.run("dvc", "gc", "--all-branches", "--force")
    light.run("git", "switch", "--quiet", "use-adam")
    light.run("dvc", "checkout")
    assert "up to date" in light.run("dvc", "status").stdout


def test_dvc_rejects_a_second_experiment_in_the_workspace(light: Clone, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    light.environment["HOLD"] = str(hold)
    with light.start("dvc", "exp", "run", "--name", "one", "-S", "epochs=60") as one:
        assert one.stdout
        while one.stdout.readline() != "Running stage 'train':\n":
            assert one.poll() is None
        others = [
            light.start("dvc", "exp", "run", *option, "-S", "lr=0.1") for option in ((), ("--queue",), ("--temp",))
        ]
        for other in others:
            output, _ = other.communicate()
            assert other.returncode != 0
            assert re.search(r"is busy, it is being blocked by:\s+\(PID \d+\): guard of PID \d+: ", output)
        assert one.poll() is None
        hold.unlink()
        one.communicate()
    assert one.returncode == 0
    assert names(light) == ["one"]
    assert changed_lines(light) == ["-epochs: 3", "+epochs: 60"]


def test_sweep_through_the_queue(light: Clone) -> None:
    light.run("dvc", "exp", "run", "--queue", "-S", "lr=0.1,0.01", "-S", "optimizer=adam")
    light.start_queue("--jobs", "2")
    while unfinished(light):
        time.sleep(1)
    status = light.run("dvc", "queue", "status").stdout
    assert status.count("Success") == 2, status
    assert len(names(light)) == 2

    table = light.make("--silent", "experiments", COLUMNS="120").stdout
    assert max(map(len, table.splitlines())) <= 120
    for column in ("dataset", "optimizer", "lr", "epochs", "validation.accuracy", "accuracy"):
        assert re.search(rf" {column} ", table.splitlines()[1])
    assert "…" not in table
    shown = re.findall(r"──.* ([\d.]+) +[\d.]+ +digits +(sgd|adam) +([\d.]+)", table)
    assert sorted((optimizer, lr) for _, optimizer, lr in shown) == [("adam", "0.01"), ("adam", "0.1")]
    accuracies = [float(accuracy) for accuracy, *_ in shown]
    assert accuracies == sorted(accuracies, reverse=True)


def unfinished(clone: Clone) -> list[str]:
    status = clone.run("dvc", "queue", "status").stdout
    return re.findall(r"^\w+ +([\w-]+) .*(?:Queued|Running) *$", status, flags=re.MULTILINE)


def test_temporary_copy_links_the_data(light: Clone) -> None:
    if "reflink" in light.run("dvc", "doctor").stdout:
        pytest.skip("reflinks do not count as links")
    evaluate = light.folder / "stages/evaluate.py"
    program = "import os\nprint('links:', os.stat('data/normalized/test.safetensors').st_nlink)\n"
    evaluate.write_text(evaluate.read_text() + program)
    run = light.run("dvc", "exp", "run", "--temp")
    assert list_stages_run(run) == ["evaluate"]
    assert int(re.findall(r"^links: (\d+)$", run.stdout, flags=re.MULTILINE)[0]) > 1
