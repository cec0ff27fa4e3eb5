import os
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.checks.conftest import IGNORE_DVC_WARNINGS, RunCheck
from tests.checks.project import Project, damage_file
from tests.checks.project_files import TINY_FILES
from tests.clone import Clone

pytestmark = IGNORE_DVC_WARNINGS

RAW = "raw\n"  # the content of data/a.txt and report.txt, which are one object in the cache
LISTING = "[{"  # the first characters of a .dir file


def find_object(start: str) -> Path:
    """Return the only object in the cache whose content starts with `start`, except data/deep/b.txt."""
    files = [path for path in Path(".dvc/cache/files").rglob("*") if path.is_file()]
    (found,) = [path for path in files if path.read_text().startswith(start) and path.read_text() != "raw\n\n"]
    return found


def link_files(cached: Path, *copies: str) -> None:
    """Replace files in the workspace by hard links to an object, as DVC does with cache.type hardlink."""
    for copy in copies:
        Path(copy).unlink()
        os.link(cached, copy)


def test_passes_without_damaged_objects(tiny_project: Project, run_check: RunCheck) -> None:
    result = run_check("cache")
    assert result == {
        "check": "cache",
        "status": 0,
        "summary": "3 objects match their hashes",
        "rows": [],
        "notes": [],
    }


def test_notes_missing_objects(tiny_project: Project, run_check: RunCheck) -> None:
    find_object(RAW).unlink()
    result = run_check("cache")
    assert result["status"] == 0
    assert result["notes"] == ["Not checked, because missing from the cache: 1 of 3 objects"]


def test_detects_damaged_object(tiny_project: Project, run_check: RunCheck) -> None:
    damage_file(find_object(RAW))
    result = run_check("cache")
    assert result["status"] == 1
    assert result["rows"] == [{"output": "data/a.txt, report.txt", "damaged object": str(find_object("bad"))}]
    assert find_object("bad").exists()
    assert run_check("cache")["status"] == 1


def test_repairs_damaged_directory_listing(tiny_project: Project, run_check: RunCheck) -> None:
    damage_file(find_object(LISTING), "[]")
    assert [row["output"] for row in run_check("cache")["rows"]] == ["data"]
    result = run_check("cache", "--repair")
    assert result["status"] == 0
    assert result["notes"] == ["Not checked, because its .dir file was damaged: data; rerun after dvc repro"]
    assert_restored_by_repro(tiny_project, run_check)


@pytest.mark.parametrize("linked", [["data/a.txt", "report.txt"], ["report.txt"], []], ids=len)
def test_repro_restores_removed_files(tiny_project: Project, run_check: RunCheck, linked: list[str]) -> None:
    cached = find_object(RAW)
    link_files(cached, *linked)
    tiny_project.repro()  # DVC caches the hashes of the links
    damage_file(cached)
    assert tiny_project.repro() == [], "DVC detected the damage"
    result = run_check("cache", "--repair")
    assert result["status"] == 0
    assert [row["output"] for row in result["rows"]] == ["data/a.txt, report.txt"]
    assert [name for name in ("data/a.txt", "report.txt") if not Path(name).exists()] == linked
    assert_restored_by_repro(tiny_project, run_check)


def assert_restored_by_repro(project: Project, run_check: RunCheck) -> None:
    assert project.repro() != []
    assert Path("data/a.txt").read_text() == Path("report.txt").read_text() == RAW
    assert project.git("status", "--porcelain") == ""
    result = run_check("cache")
    assert (result["status"], result["notes"]) == (0, [])


def test_repair_removes_symlinks(tiny_project: Project, run_check: RunCheck) -> None:
    Path("report.txt").unlink()
    Path("report.txt").symlink_to(find_object(RAW).resolve())
    damage_file(find_object(RAW))
    run_check("cache", "--repair")
    assert not Path("report.txt").is_symlink()


def test_repair_keeps_other_files(tiny_project: Project, run_check: RunCheck) -> None:
    tiny_project.write("report.txt", "mine\n")
    damage_file(find_object(RAW))
    run_check("cache", "--repair")
    assert Path("report.txt").read_text() == "mine\n"
    assert Path("data/a.txt").read_text() == RAW


def test_repair_in_subdirectory(empty_directory: Path, run_check: RunCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.create(empty_directory / "a repository", "sub")
    project.run_and_commit(TINY_FILES)
    monkeypatch.chdir(project.folder)
    link_files(find_object(RAW), "report.txt")
    damage_file(find_object(RAW))
    assert run_check("cache", "--repair")["status"] == 0
    assert not Path("report.txt").exists()


def test_repair_respects_dvc_lock(tiny_project: Project, run_check: RunCheck) -> None:
    damage_file(find_object(RAW))
    with Repo() as repo, repo.lock:
        result = run_check("cache", "--repair")
    assert result["status"] == 2
    assert "lock" in result["summary"]
    assert find_object("bad").exists()


def test_reports_unreadable_object(tiny_project: Project, run_check: RunCheck) -> None:
    cached = find_object(RAW)
    cached.unlink()
    cached.mkdir()
    result = run_check("cache")
    assert result["status"] == 2
    assert cached.name in result["summary"]


def test_detects_damaged_added_data(full_project: Project, run_check: RunCheck) -> None:
    assert run_check("cache")["status"] == 0
    with Repo() as repo:
        repo.add("raw.csv")
    full_project.dvc_add("raw.csv", "more\n")
    full_project.commit()
    damage_file(find_object("more"))
    assert [row["output"] for row in run_check("cache")["rows"]] == ["raw.csv"]


def test_repairs_damaged_model(digits: Clone) -> None:
    model = digits.folder / "models/mlp.safetensors"
    objects = [path for path in (digits.folder / ".dvc/cache/files").rglob("*") if path.is_file()]
    (cached,) = [path for path in objects if path.read_bytes() == model.read_bytes()]
    model.unlink()
    os.link(cached, model)
    content = model.read_bytes()
    damage_file(model, "x" * len(content))
    assert "models/mlp.safetensors" in digits.run("python", "-m", "checks", "cache", "--repair").stdout
    digits.run("dvc", "repro")
    assert model.read_bytes() == cached.read_bytes() == content
    assert digits.run("git", "status", "--porcelain").stdout == ""
