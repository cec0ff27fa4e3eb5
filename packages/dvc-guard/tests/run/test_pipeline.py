from pathlib import Path

import pytest

from dvc_guard.errors import GuardError
from dvc_guard.run.pipeline import Pipeline, read_pipeline

DVC_YAML = """
stages:
  prepare: {cmd: any, wdir: sub, deps: [../raw.csv], outs: [../data/one, ../data/two]}
  train:
    cmd: ${not read}
    deps: [data, train.py]
    params: [lr, seed, {params.yaml: [a.b], p.toml: }]
    outs: [model: {}]
  evaluate: {cmd: any, deps: [model, data/two], metrics: [m.json: {cache: false}], plots: [p.csv]}
  plot: {cmd: any, deps: [p.csv]}
"""
LOCK = """
stages:
  prepare: {deps: [{path: ../raw.csv}], outs: [{path: ../data/one}, {path: ../data/two}]}
  train: {deps: [{path: data}], outs: [{path: model}]}
  evaluate: {deps: [{path: model}], outs: [{path: m.json}]}
  removed: {outs: [{path: model}]}
"""


def read(folder: Path, name: str) -> Pipeline:
    (folder / "dvc.yaml").write_text(DVC_YAML)
    (folder / "dvc.lock").write_text(LOCK)
    return read_pipeline(folder, folder, name)


def test_reads_stage(tmp_path: Path) -> None:
    stage = read(tmp_path, "train").stage
    assert stage.deps == ["data", "train.py"]
    assert stage.params == {"params.yaml": ["lr", "seed", "a.b"], "p.toml": []}
    assert stage.outs == ["model"]
    assert read(tmp_path, "prepare").stage.locate("../raw.csv") == str(tmp_path / "raw.csv")


def test_final_stages_have_no_dependents(tmp_path: Path) -> None:
    final = {name: read(tmp_path, name).is_final for name in ("prepare", "train", "evaluate", "plot")}
    assert final == {"prepare": False, "train": False, "evaluate": False, "plot": True}


def test_finds_upstream_stages(tmp_path: Path) -> None:
    found = {name: sorted(read(tmp_path, name).find_upstream()) for name in ("prepare", "train", "evaluate")}
    assert found == {"prepare": [], "train": ["prepare"], "evaluate": ["prepare", "train"]}


def test_finds_dvc_yaml_by_address(tmp_path: Path) -> None:
    read(tmp_path, "train")
    (tmp_path / "here").mkdir()
    assert read_pipeline(tmp_path, tmp_path / "here", "../dvc.yaml:train").lock_file == tmp_path / "dvc.lock"


def test_rejects_missing_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GuardError, match=r"^dvc.yaml: stages: export: missing$"):
        read(tmp_path, "export")
