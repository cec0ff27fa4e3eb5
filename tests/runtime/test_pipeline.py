from pathlib import Path

import pytest

from runtime.errors import StageError
from runtime.pipeline import find_upstream, read_lock, read_stage

DVC_YAML = """
stages:
  prepare: {cmd: any, deps: [raw.csv], outs: [data/one, data/two]}
  train: {cmd: any, deps: [data, train.py], params: [lr, seed, {versions.yaml: [torch, numpy]}], outs: [model: {}]}
  evaluate: {cmd: any, deps: [model, data/two], metrics: [m.json: {cache: false}], plots: [p.csv]}
  plot: {cmd: any, deps: [p.csv]}
"""
LOCK = """
stages:
  prepare: {deps: [{path: raw.csv}], outs: [{path: data/one}, {path: data/two}]}
  train: {deps: [{path: data}], outs: [{path: model}]}
  evaluate: {deps: [{path: model}], outs: [{path: m.json}]}
  other: {outs: [{path: other}]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    return tmp_path


def test_reads_stage(folder: Path) -> None:
    assert folder == Path.cwd()
    stage = read_stage("train")
    assert stage.deps == [Path("data"), Path("train.py")]
    assert stage.params == {Path("params.yaml"): ["lr", "seed"], Path("versions.yaml"): ["torch", "numpy"]}


def test_final_stages_have_no_dependents(folder: Path) -> None:
    assert folder == Path.cwd()
    final = {name: read_stage(name).is_final for name in ("prepare", "train", "evaluate", "plot")}
    assert final == {"prepare": False, "train": False, "evaluate": False, "plot": True}


def test_rejects_missing_stage(folder: Path) -> None:
    with pytest.raises(StageError, match=r"^dvc.yaml: stages: export: missing$"):
        read_stage("export")
    (folder / "dvc.yaml").write_text("plots: []")
    with pytest.raises(StageError, match=r"^dvc.yaml: stages: train: missing$"):
        read_stage("train")


def test_finds_upstream_stages(folder: Path) -> None:
    assert read_lock() == {}
    (folder / "dvc.lock").write_text(LOCK)
    lock = read_lock()
    assert sorted(find_upstream(read_stage("evaluate"), lock)) == ["prepare", "train"]
    assert find_upstream(read_stage("train"), lock) == ["prepare"]
    assert find_upstream(read_stage("prepare"), lock) == []
