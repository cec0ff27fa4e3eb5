import re
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc_data.hashfile.hash import file_md5

from tests.checks.conftest import RunCheck
from tests.checks.project import Project, damage_file


def test_detects_truncated_dvc_lock(tiny_project: Project, run_check: RunCheck) -> None:
    complete = Path("dvc.lock").read_text()
    last_line = complete.splitlines(keepends=True)[-1]
    for length in range(1, len(last_line) + 1):
        tiny_project.write("dvc.lock", complete[:-length])
        tiny_project.commit()
        assert run_check("fresh")["status"] != 0, f"without {complete[-length:]!r}"
    assert tiny_project.repro() == []  # DVC does not detect it
    assert Path("dvc.lock").read_text() != complete
    Path("dvc.lock").unlink()  # as the message instructs
    tiny_project.repro()
    assert Path("dvc.lock").read_text() == complete


def test_detects_wrong_size(tiny_project: Project, run_check: RunCheck) -> None:
    complete = Path("dvc.lock").read_text()
    sizes = list(re.finditer(r"\n *size: (\d+)", complete))
    found = []
    for size in sizes:
        for number in ("", f"\n      size: {int(size[1]) + 1}"):
            tiny_project.write("dvc.lock", complete[: size.start()] + number + complete[size.end() :])
            tiny_project.commit()
            result = run_check("fresh")
            found.append(result["status"])
            assert all("size is wrong or missing in dvc.lock" in row["cause"] for row in result["rows"])
    folders = [".dir" in complete[: size.start()].splitlines()[-1] for size in sizes]
    assert found == [1 if missing or not folder else 0 for folder in folders for missing in (True, False)]


BROKEN_FILES: dict[str, Callable[[], object]] = {
    "no dvc.lock": lambda: Path("dvc.lock").unlink(),
    "empty dvc.lock": lambda: Path("dvc.lock").write_text(""),
    "truncated dvc.lock": lambda: Path("dvc.lock").write_text(Path("dvc.lock").read_text()[:100]),
    "no YAML in dvc.lock": lambda: Path("dvc.lock").write_text("{"),
    "no text in dvc.lock": lambda: Path("dvc.lock").write_bytes(b"\xff\xfe"),
    "no YAML in dvc.yaml": lambda: Path("dvc.yaml").write_text("{"),
    "no YAML in params.yaml": lambda: Path("params.yaml").write_text("{"),
}


@pytest.mark.parametrize("change", BROKEN_FILES)
def test_reports_broken_file(tiny_project: Project, run_check: RunCheck, change: str) -> None:
    BROKEN_FILES[change]()
    tiny_project.commit()
    result = run_check("fresh")
    assert result["status"] == 2
    assert change.rpartition(" ")[2] in result["summary"]


def test_ignores_size_of_damaged_object(tiny_project: Project, run_check: RunCheck) -> None:
    digest = file_md5("report.txt")
    damage_file(Path(".dvc/cache/files/md5", digest[:2], digest[2:]), "longer than before\n")
    assert run_check("fresh")["status"] == 0
