import sys
from pathlib import Path

import pytest

from dvc_search.process import MAX_LENGTH, find_error, run_dvc

PRINT = """import os, shutil, sys
print(sys.argv[1:], os.environ["PYTHONPATH"], shutil.which("python"))
print({"GIT_DIR", "MALLOC_TRIM_THRESHOLD_"} & os.environ.keys())
print(os.environ["OMP_NUM_THREADS"])
print("error: no", file=sys.stderr)
sys.exit(3)
"""


def test_environment_is_that_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    (tmp_path / "dvc.py").write_text(PRINT)
    project = tmp_path / "project"
    project.mkdir()
    for folder in (project, tmp_path):
        (folder / "signal.py").write_text("raise SystemExit('not a module of Python')")
    with (tmp_path / "lock").open("w") as lock:
        ended = run_dvc(["exp", "run"], project, lock.fileno(), lambda: False, tmp_path / "log", threads=3)
    python = Path(sys.executable).parent / "python"
    assert ended == (3, f"['exp', 'run'] {tmp_path} {python}\nset()\n3\nerror: no\n")
    assert (tmp_path / "log").read_text() == ended[1]


@pytest.mark.parametrize(
    ("output", "error"),
    [
        ("Running stage\nerror: params.yaml: lr: too high\nERROR: failed to reproduce", "params.yaml: lr: too high"),
        (
            "Traceback\nValueError: bad\nERROR: failed to reproduce 't': failed to run: x, exited with 1",
            "ValueError: bad",
        ),
        (
            "\x1b[31mERROR\x1b[39m: unexpected error - No space left on device",
            "unexpected error - No space left on device",
        ),
        ("only  this", "only this"),
        ("", "dvc printed no error"),
        ("error: " + "x" * 1000, "x" * MAX_LENGTH),
    ],
    ids=["stage", "exception", "dvc", "line", "nothing", "long"],
)
def test_finds_error(output: str, error: str) -> None:
    assert find_error(output) == error
