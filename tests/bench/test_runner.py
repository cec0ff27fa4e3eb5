import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from bench.runner import CommandError, interleave, run
from tests.clone import ROOT


def test_interleave() -> None:
    calls = []

    def program(name: str, number: int) -> float:
        calls.append(f"{name}{number}")
        return number * 10

    results = interleave({name: partial(program, name) for name in "ab"}, rounds=3)
    assert calls == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert results == {"a": [0, 10, 20], "b": [0, 10, 20]}


def test_reports_time_and_output(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; time.sleep(0.2); print('noise'); print(os.environ); print(os.getcwd(), file=sys.stderr)"
    )
    result = run([sys.executable, "-c", program + "; print('{\"a\": 1}')"], tmp_path, {"LC_ALL": "C"})
    assert 0.2 < result.seconds < 30
    assert "LC_ALL" in result.stdout
    assert "PATH" not in result.stdout
    assert result.stderr.strip() == str(tmp_path)
    assert result.parse_report() == {"a": 1}


def test_ignores_background_processes(tmp_path: Path) -> None:
    program = "import subprocess; subprocess.Popen(['sleep', '20'])"
    start = time.monotonic()
    run([sys.executable, "-c", program], tmp_path, {"PATH": "/usr/bin:/bin"})
    assert time.monotonic() - start < 15


def test_failure_shows_output(tmp_path: Path) -> None:
    program = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"
    with pytest.raises(CommandError, match=r"exited with 3:\none\n\ntwo\n"):
        run([sys.executable, "-c", program], tmp_path, {})


def test_reports_peak_memory() -> None:
    """Run in a small process like `python -m bench`: on Linux, a child starts with its parent's peak memory."""
    program = (
        "import sys; from pathlib import Path; from bench.runner import run\n"
        "for megabytes in (0, 200):\n"
        "    command = [sys.executable, '-c', f'bytearray({megabytes} * 10**6)']\n"
        "    print(run(command, Path(), {}).peak_megabytes)"
    )
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    small, large = map(float, process.stdout.split())
    assert 3 < small < 50
    assert 200 < large < 250


def test_bench_imports_no_large_packages() -> None:
    program = "import sys; import bench.__main__; print({'numpy', 'torch'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stdout == "set()\n"
