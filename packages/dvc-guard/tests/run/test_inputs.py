import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dvc_guard.errors import GuardError
from dvc_guard.run import inputs
from dvc_guard.run.files import hash_file
from dvc_guard.run.inputs import Inputs
from dvc_guard.run.pipeline import read_pipeline

MD5_OF_ABC = "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, appendix A.5
MD5_OF_FOLDER = "d8f2c4621da4814fbdfc49d9ffafd7b1.dir"  # by DVC, of the files in data
FILES = {
    "dvc.yaml": """
stages:
  prepare: {cmd: any, params: [mean], outs: [data, abc]}
  train:
    cmd: any
    deps: [abc, data, code, single.py, "https://example.org/data"]
    params:
    - lr
    - sizes.1
    - {versions.yaml: [torch], settings.json: [a.b], settings.toml: [c], whole.yaml: , code.py: [d]}
    outs: [model]
""",
    "dvc.lock": f"""
stages:
  prepare:
    params: {{params.yaml: {{mean: 0.5}}}}
    outs: [{{path: abc, hash: md5, md5: {MD5_OF_ABC}}}, {{path: data, hash: md5, md5: {MD5_OF_FOLDER}}}]
  train: {{params: {{params.yaml: {{lr: 5}}}}, outs: [{{path: model, hash: md5, md5: other}}]}}
""",
    ".dvcignore": "__pycache__\n*~\n",
    "params.yaml": "mean: 0.5\nlr: 0.01\nsizes: [1, 2]\nother: 1\n",
    "versions.yaml": "torch: '2'\nruff: '1'\n",
    "settings.json": '{"a": {"b": 1}, "other": 1}',
    "settings.toml": "c = 1\nother = 1\n",
    "whole.yaml": "e: 1\n",
    "code.py": "d = 1\n",
    "abc": "abc",
    "data/abc": "abc",
    "data/a.b": "abc",
    "data/a/z": "abc",
    "code/__main__.py": "print(1)\n",
    "code/inner/module.py": "print(2)\n",
    "single.py": "print(3)\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a small project."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_inputs(folder: Path, *, verify: bool = False) -> Inputs:
    """Read the inputs of the stage `train`."""
    return Inputs(read_pipeline(folder, folder, "train"), verify=verify)


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
    """Change a file in a way that its size and modification time do not show."""
    stat = Path("single.py").stat()
    Path("single.py").write_text("print(4)\n")
    os.utime("single.py", ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: append("data/abc"), "data/abc: changed while train ran"),
        (lambda: append("code/inner/module.py"), "code/inner/module.py: changed while train ran"),
        (lambda: append("single.py"), "single.py: changed while train ran"),
        (lambda: append("code/new.py"), "code/new.py: changed while train ran"),
        (lambda: Path("code/inner/module.py").unlink(), "code/inner/module.py: changed while train ran"),
        (lambda: Path("single.py").unlink(), "single.py: changed while train ran"),
        (edit_without_a_trace, "single.py: changed while train ran"),
        (lambda: append("single.py", "abc"), "abc, single.py: changed while train ran"),
        (lambda: replace("params.yaml", "lr: 0.01", "lr: 0.1"), "params.yaml: lr: changed from 0.01 to 0.1 while"),
        (lambda: replace("params.yaml", "lr: 0.01\n", ""), "params.yaml: lr: changed from 0.01 to None while train"),
        (lambda: replace("params.yaml", "[1, 2]", "[1]"), "params.yaml: sizes.1: changed from 2 to None while"),
        (lambda: replace("versions.yaml", "'2'", "'3'"), "versions.yaml: torch: changed from '2' to '3' while train"),
        (lambda: replace("settings.json", '"b": 1', '"b": 2'), "settings.json: a.b: changed from 1 to 2 while train"),
        (lambda: replace("settings.toml", "c = 1", "c = 2"), "settings.toml: c: changed from 1 to 2 while train ran"),
        (lambda: append("whole.yaml"), "whole.yaml: changed while train ran"),
        (lambda: append("code.py"), "code.py: changed while train ran"),
    ],
)
def test_rejects_inputs_changed_while_running(folder: Path, change: Callable[[], object], message: str) -> None:
    before = read_inputs(folder)
    change()
    with pytest.raises(GuardError, match=rf"^{re.escape(message)}.*; nothing was recorded; run the command again$"):
        before.confirm_unchanged()


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
        lambda: replace("settings.json", '"other": 1', '"other": 2'),
    ],
)
def test_accepts_what_dvc_does_not_record(folder: Path, change: Callable[[], object]) -> None:
    before = read_inputs(folder)
    change()
    before.confirm_unchanged()


def test_advises_to_ignore_bytecode(folder: Path) -> None:
    Path(".dvcignore").unlink()
    before = read_inputs(folder)
    append("code/__pycache__/module.pyc")
    with pytest.raises(GuardError, match=r"module.pyc: changed while .*; add __pycache__ to .dvcignore$"):
        before.confirm_unchanged()


def test_final_stage_of_an_experiment_confirms_parameters_of_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_inputs(folder)
    replace("params.yaml", "0.5", "0.3")
    before.confirm_unchanged()  # dvc repro of one stage, or of a pipeline with a frozen one
    monkeypatch.setenv("DVC_EXP_NAME", "one")
    with pytest.raises(GuardError, match=r"^params.yaml: mean: changed from 0.5 to 0.3 since prepare ran; "):
        before.confirm_unchanged()
    (folder / "dvc.yaml").write_text(FILES["dvc.yaml"] + "  last: {cmd: any, deps: [model]}\n")
    read_inputs(folder).confirm_unchanged()


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        ("1.2345678901234e-05", "1.234567890123401e-05"),
        ("[{a: 1.2345678901234e-05}]", "[{a: 1.234567890123401e-05}]"),
    ],
)
def test_accepts_last_digit_that_dvc_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, value: str, recorded: str
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "one")
    replace("params.yaml", "0.5", value)
    replace("dvc.lock", "0.5", recorded)
    read_inputs(folder).confirm_unchanged()


@pytest.mark.parametrize(("name", "shown"), [("abc", "abc"), ("data/abc", "data")])
@pytest.mark.parametrize("content", ["abd", ""])
def test_rejects_damaged_output_of_another_stage(folder: Path, name: str, shown: str, content: str) -> None:
    Path(name).write_text(content)
    fix = "to restore it: dvc-guard cache --repair && dvc repro; to keep it: dvc commit"
    with pytest.raises(GuardError, match=rf"^{shown}: MD5 differs from dvc.lock; {fix}$"):
        read_inputs(folder)


VERSIONED = "stages: {prepare: {outs: [{path: abc, hash: md5, files: [{relpath: a, md5: b}]}]}}"  # by a cloud


@pytest.mark.parametrize("lock", ["schema: '2.0'", "stages: {prepare: {cmd: 'true'}}", VERSIONED, None])
def test_accepts_files_that_are_not_in_dvc_lock(folder: Path, lock: str | None) -> None:
    Path("dvc.lock").unlink()
    if lock is not None:
        Path("dvc.lock").write_text(lock)
    Path("abc").write_text("other")
    read_inputs(folder).confirm_unchanged()


def test_rejects_missing_dependency(folder: Path) -> None:
    Path("single.py").unlink()
    with pytest.raises(FileNotFoundError, match=r"single\.py"):
        read_inputs(folder)


def test_rejects_what_is_no_regular_file(folder: Path) -> None:
    Path("single.py").unlink()
    Path("single.py").symlink_to("/dev/zero")
    with pytest.raises(GuardError, match=r"^single.py: not a regular file; to fix: dvc-guard restore$"):
        read_inputs(folder)


def test_hashes_large_files_only_to_verify_or_if_their_status_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "CHEAP_BYTES", 2)
    hashed: list[str] = []

    def hash_and_note(path: str) -> str:
        hashed.append(Path(path).name)
        return hash_file(path)

    monkeypatch.setattr(inputs, "hash_file", hash_and_note)
    before = read_inputs(folder)
    before.confirm_unchanged()
    assert hashed == []
    Path("abc").touch()  # dvc.lock has its hash
    before.confirm_unchanged()
    assert hashed == ["abc"]
    Path("single.py").chmod(0o600)  # not in dvc.lock: the time of the last change of its status does not count
    before.confirm_unchanged()
    Path("single.py").touch()
    with pytest.raises(GuardError, match=r"^single.py: changed while train ran"):
        before.confirm_unchanged()
    Path("abc").write_text("abd")
    read_inputs(folder)
    with pytest.raises(GuardError, match=r"^abc: MD5 differs"):
        read_inputs(folder, verify=True)
