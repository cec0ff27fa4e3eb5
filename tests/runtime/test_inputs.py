import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.errors import StageError
from runtime.inputs import Inputs
from runtime.pipeline import Stage, read_stage

MD5_OF_ABC = "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, appendix A.5
DVC_YAML = """
stages:
  prepare: {cmd: any, params: [mean], outs: [data]}
  train:
    cmd: any
    deps: [data, code, single.py]
    params: [lr, sizes, {versions.yaml: [torch]}]
    outs: [model]
"""
LOCK = f"""
stages:
  prepare: {{params: {{params.yaml: {{mean: 0.5}}}}, outs: [{{path: data/abc, md5: {MD5_OF_ABC}}}]}}
  train: {{params: {{params.yaml: {{lr: 5}}}}, outs: [{{path: model, md5: other}}]}}
"""
FILES = {
    "dvc.yaml": DVC_YAML,
    "dvc.lock": LOCK,
    ".dvcignore": "__pycache__\n*~\n",
    "params.yaml": "mean: 0.5\nlr: 0.01\nsizes: [1, 2]\nother: 1\n",
    "versions.yaml": "torch: '2'\nruff: '1'\n",
    "data/abc": "abc",
    "code/__main__.py": "print(1)\n",
    "code/inner/module.py": "print(2)\n",
    "single.py": "print(3)\n",
}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Change to a small project and return its stage train."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    return read_stage("train")


def replace(name: str, old: str, new: str) -> None:
    text = Path(name).read_text()
    assert old in text
    Path(name).write_text(text.replace(old, new))


def append(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(exist_ok=True)
        with Path(name).open("a") as file:
            file.write("# Edited.\n")


def edit_without_a_trace() -> None:
    """Change a file in the way that a time and a size do not show."""
    stat = Path("single.py").stat()
    Path("new").write_text("print(4)\n")
    Path("new").rename("single.py")
    os.utime("single.py", ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: append("data/abc"), "data/abc: changed while train ran"),
        (lambda: append("code/__main__.py"), "code/__main__.py: changed while train ran"),
        (lambda: append("code/inner/module.py"), "code/inner/module.py: changed while train ran"),
        (lambda: append("single.py"), "single.py: changed while train ran"),
        (lambda: append("code/new.py"), "code/new.py: changed while train ran"),
        (lambda: Path("code/inner/module.py").unlink(), "code/inner/module.py: changed while train ran"),
        (lambda: Path("single.py").unlink(), "single.py: changed while train ran"),
        (edit_without_a_trace, "single.py: changed while train ran"),
        (lambda: append("single.py", "data/abc"), "data/abc, single.py: changed while train ran"),
        (lambda: replace("params.yaml", "lr: 0.01", "lr: 0.1"), "params.yaml: lr: changed from 0.01 to 0.1 while"),
        (lambda: replace("params.yaml", "lr: 0.01\n", ""), "params.yaml: lr: changed from 0.01 to None while train"),
        (lambda: replace("params.yaml", "[1, 2]", "[1]"), "params.yaml: sizes: changed from [1, 2] to [1] while"),
        (lambda: replace("versions.yaml", "'2'", "'3'"), "versions.yaml: torch: changed from '2' to '3' while train"),
        (lambda: replace("params.yaml", "0.5", "0.3"), "params.yaml: mean: changed from 0.5 to 0.3 since prepare ran"),
    ],
)
def test_rejects_inputs_changed_while_running(stage: Stage, change: Callable[[], object], message: str) -> None:
    inputs = Inputs(stage)
    change()
    with pytest.raises(StageError, match=rf"^{re.escape(message)}.*; nothing was recorded; run the command again$"):
        inputs.confirm_unchanged()


@pytest.mark.parametrize(
    "change",
    [
        lambda: None,
        lambda: Path("single.py").touch(),
        lambda: Path("single.py").write_text(FILES["single.py"]),
        lambda: append("dvc.yaml"),
        lambda: append("code/__main__.py~"),
        lambda: append("code/__pycache__/module.pyc"),
        lambda: replace("params.yaml", "other: 1", "other: 2"),
        lambda: replace("versions.yaml", "ruff: '1'", "ruff: '2'"),
    ],
)
def test_accepts_what_dvc_does_not_record(stage: Stage, change: Callable[[], object]) -> None:
    inputs = Inputs(stage)
    change()
    inputs.confirm_unchanged()


def test_only_a_final_stage_confirms_parameters_of_others(stage: Stage) -> None:
    inputs = Inputs(stage._replace(is_final=False))
    replace("params.yaml", "0.5", "0.3")
    inputs.confirm_unchanged()


@pytest.mark.parametrize("content", ["abd", "ab", "", "abcd"])
def test_rejects_damaged_output_of_another_stage(stage: Stage, content: str) -> None:
    Path("data/abc").write_text(content)
    fix = "to fix: python -m checks cache --repair && dvc repro"
    with pytest.raises(StageError, match=rf"^data/abc: MD5 differs from dvc.lock; {fix}$"):
        Inputs(stage)


@pytest.mark.parametrize("lock", ["schema: '2.0'", "stages: {prepare: {cmd: 'true'}}", None])
def test_accepts_files_that_are_not_in_dvc_lock(stage: Stage, lock: str | None) -> None:
    Path("dvc.lock").unlink()
    if lock is not None:
        Path("dvc.lock").write_text(lock)
    Path("data/abc").write_text("other")
    Inputs(stage).confirm_unchanged()


def test_rejects_missing_dependency(stage: Stage) -> None:
    Path("single.py").unlink()
    with pytest.raises(FileNotFoundError, match=r"single\.py"):
        Inputs(stage)


def test_rejects_what_is_no_regular_file(stage: Stage) -> None:
    Path("single.py").unlink()
    Path("single.py").symlink_to("/dev/zero")
    with pytest.raises(StageError, match=r"^single.py: not a regular file; to fix: make restore$"):
        Inputs(stage)
