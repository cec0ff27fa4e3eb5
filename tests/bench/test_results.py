from pathlib import Path

import pytest

from bench import results
from bench.comparison import compare
from tests.bench.conftest import Benchmarks


def test_replaces_rows(benchmarks: Benchmarks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results.run_benchmark("two")
    results.run_benchmark("one")
    before = (tmp_path / "RESULTS.md").read_text()
    monkeypatch.setattr("bench.machine.describe", lambda: "another machine")
    monkeypatch.setitem(benchmarks, "one", lambda _: [compare("other", [3], [2], "s")])
    results.run_benchmark("one")
    after = (tmp_path / "RESULTS.md").read_text()
    changed = before.replace("- one: a machine", "- one: another machine").replace(
        "| one | one | 1.00 s | 2.00 s | 0.500 (0.500 to 0.500)",
        "| one | other | 3.00 s | 2.00 s | 1.50 (1.50 to 1.50)",
    )
    assert after == changed
    assert after != before


def test_committed_results_have_current_format() -> None:
    text = results.RESULTS.read_text()
    header = "| benchmark | what | measured | reference | ratio (min to max) | target | met? |"
    lines = text.splitlines()
    assert text.startswith(f"# Benchmark results\n\n{results.EXPLANATION}\n- training: ")
    assert header in lines
    rows = lines[lines.index(header) + 2 :]
    assert list(dict.fromkeys(row.split(" | ")[0].removeprefix("| ") for row in rows)) == list(results.BENCHMARKS)
