"""The commands of docs/experiments.md, with real dvc on the digits."""

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


def test_change_is_compared_applied_and_kept(digits: Clone) -> None:
    run = digits.run("dvc", "exp", "run", "--name", "adam", "-S", "optimizer=adam", "-S", "lr=0.01")
    assert {"train", "evaluate", "export"} <= set(list_stages_run(run))
    assert not {"download", "normalize"} & set(list_stages_run(run))
    assert changed_lines(digits) == ["-optimizer: sgd", "+optimizer: adam", "-lr: 0.1", "+lr: 0.01"]
    for command in (("metrics", "diff"), ("exp", "diff")):
        assert re.search(r"metrics/metrics.json +accuracy ", digits.run("dvc", *command).stdout)
    assert re.search(r"params.yaml +optimizer +sgd +adam", digits.run("dvc", "params", "diff").stdout)
    digits.run("dvc", "plots", "diff", "HEAD", "adam")
    assert (digits.folder / "dvc_plots/index.html").exists()

    adam = (digits.folder / "metrics/metrics.json").read_text()
    digits.run("git", "restore", ".")
    digits.run("dvc", "checkout")
    assert "up to date" in digits.run("dvc", "status").stdout
    digits.run("dvc", "exp", "apply", "adam")
    assert (digits.folder / "metrics/metrics.json").read_text() == adam
    digits.run("dvc", "exp", "branch", "adam", "use-adam")
    assert digits.run("git", "show", "use-adam:metrics/metrics.json").stdout == adam
    digits.run("dvc", "exp", "remove", "adam")
    assert names(digits) == []
    digits.run("git", "restore", ".")
    digits.run("dvc", "checkout")
    digits.run("dvc", "gc", "--all-branches", "--force")
    digits.run("git", "switch", "--quiet", "use-adam")
    digits.run("dvc", "checkout")
    assert "up to date" in digits.run("dvc", "status").stdout


def test_dvc_rejects_a_second_experiment_in_the_workspace(digits: Clone) -> None:
    with digits.start("dvc", "exp", "run", "--name", "one", "-S", "epochs=60") as one:
        assert one.stdout
        while one.stdout.readline() != "Running stage 'train':\n":
            assert one.poll() is None
        others = [
            digits.start("dvc", "exp", "run", *option, "-S", "lr=0.1") for option in ((), ("--queue",), ("--temp",))
        ]
        for other in others:
            output, _ = other.communicate()
            assert other.returncode != 0
            assert re.search(r"is busy, it is being blocked by:\s+\(PID \d+\): guard of PID \d+: ", output)
        assert one.poll() is None
        assert "Epoch 60/60: " in one.communicate()[0]
    assert one.returncode == 0
    assert names(digits) == ["one"]
    assert changed_lines(digits) == ["-epochs: 3", "+epochs: 60"]


def test_sweep_through_the_queue(digits: Clone) -> None:
    digits.run("dvc", "exp", "run", "--queue", "-S", "lr=0.1,0.01", "-S", "optimizer=adam")
    digits.start_queue("--jobs", "2")
    while unfinished(digits):
        time.sleep(1)
    status = digits.run("dvc", "queue", "status").stdout
    assert status.count("Success") == 2, status
    assert len(names(digits)) == 2

    table = digits.make("--silent", "experiments", COLUMNS="120").stdout
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


def test_temporary_copy_links_the_data(digits: Clone) -> None:
    if "reflink" in digits.run("dvc", "doctor").stdout:
        pytest.skip("reflinks do not count as links")
    evaluate = digits.folder / "stages/evaluate.py"
    program = "import os\nprint('links:', os.stat('data/normalized/test.safetensors').st_nlink)\n"
    evaluate.write_text(evaluate.read_text() + program)
    run = digits.run("dvc", "exp", "run", "--temp")
    assert list_stages_run(run) == ["evaluate"]
    assert int(re.findall(r"^links: (\d+)$", run.stdout, flags=re.MULTILINE)[0]) > 1
