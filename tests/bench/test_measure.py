import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.measure import CommandError, interleave, run
from tests.conftest import ROOT


def test_contestants_take_turns_and_learn_the_round() -> None:
    calls = []

    def contestant(name: str, number: int) -> float:
        calls.append(f"{name}{number}")
        return number * 10

    results = interleave({name: lambda number, name=name: contestant(name, number) for name in "ab"}, rounds=3)  # type: ignore[misc]
    assert calls == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert results == {"a": [0, 10, 20], "b": [0, 10, 20]}


def test_a_run_has_the_time_and_what_was_printed(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; time.sleep(0.2); print('noise'); print(os.environ); print(os.getcwd(), file=sys.stderr)"
    )
    result = run([sys.executable, "-c", program + "; print('{\"a\": 1}')"], tmp_path, {"LC_ALL": "C"})
    assert 0.2 < result.seconds < 30
    assert "LC_ALL" in result.output
    assert "PATH" not in result.output
    assert result.errors.strip() == str(tmp_path)
    assert result.report() == {"a": 1}


def test_a_run_does_not_wait_for_what_it_leaves_behind(tmp_path: Path) -> None:
    program = "import subprocess; subprocess.Popen(['sleep', '20'])"
    begin = time.monotonic()
    run([sys.executable, "-c", program], tmp_path, {"PATH": "/usr/bin:/bin"})
    assert time.monotonic() - begin < 15


def test_a_failure_shows_what_was_printed(tmp_path: Path) -> None:
    program = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"
    with pytest.raises(CommandError, match=r"exited with 3:\none\n\ntwo\n"):
        run([sys.executable, "-c", program], tmp_path, {})


def test_peak_memory_is_that_of_the_process() -> None:
    """Measured from a small process, as `python -m bench` is: on Linux a child begins with its parent's peak."""
    program = (
        "import sys; from pathlib import Path; from bench.measure import run\n"
        "for megabytes in (0, 200):\n"
        "    command = [sys.executable, '-c', f'bytearray({megabytes} * 10**6)']\n"
        "    print(run(command, Path(), {}).peak_megabytes)"
    )
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    small, large = map(float, process.stdout.split())
    assert 3 < small < 50
    assert 200 < large < 250


def test_what_starts_processes_stays_small() -> None:
    program = "import sys; import bench.__main__; print({'numpy', 'torch'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stdout == "set()\n"
