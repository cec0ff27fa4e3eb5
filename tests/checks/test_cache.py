import os
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.checks.conftest import RunCheck
from tests.checks.project import Project, damage_file
from tests.checks.project_files import TINY_FILES
from tests.clone import Clone

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
        "summary": "4 objects (3 of HEAD) and 2 run cache entries match their hashes",
        "rows": [],
        "notes": [],
    }


def test_notes_missing_objects(tiny_project: Project, run_check: RunCheck) -> None:
    find_object(RAW).unlink()
    result = run_check("cache")
    assert result["status"] == 0
    assert result["notes"] == ["Not checked, because missing from the cache: 1 of 3 objects of HEAD"]


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


def test_repairs_directory_in_place_of_object(tiny_project: Project, run_check: RunCheck) -> None:
    cached = find_object(RAW)
    cached.unlink()
    cached.mkdir()
    result = run_check("cache")
    assert (result["status"], result["rows"][0]["damaged object"]) == (1, str(cached))
    assert run_check("cache", "--repair")["status"] == 0
    assert not cached.exists()


def list_run_cache() -> list[Path]:
    return sorted(path for path in Path(".dvc/cache/runs").rglob("*") if path.is_file())


def test_detects_damaged_object_that_head_does_not_use(tiny_project: Project, run_check: RunCheck) -> None:
    """An output with `cache: false`, too, has a copy in the cache: DVC restores it with the run."""
    tiny_project.write("data/more.txt", "more\n")
    with Repo() as repo:
        repo.commit(force=True)
    tiny_project.git("checkout", "--", ".")
    damage_file(find_object("more"))
    row = {"output": "none of HEAD", "damaged object": str(find_object("bad"))}
    assert row in run_check("cache")["rows"]
    assert run_check("cache", "--repair")["status"] == 0
    assert run_check("cache")["status"] == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry.write_text(""),
        lambda entry: entry.write_text(entry.read_text()[:-30]),
        lambda entry: entry.write_text(entry.read_text().replace("md5: ", "md5: 0", 1)),
        lambda entry: entry.write_bytes(b"\xff\x00"),
        lambda entry: entry.rename(entry.with_name("0" * 64)),
        lambda entry: entry.unlink(),
        lambda entry: (entry.unlink(), entry.symlink_to("/dev/zero")),
        lambda entry: (entry.unlink(), entry.mkdir(), (entry / "x").touch()),
    ],
    ids=["empty", "truncated", "another hash", "not text", "another name", "no entry", "endless", "folder"],
)
def test_repairs_damaged_run_cache(
    tiny_project: Project, run_check: RunCheck, damage: Callable[[Path], object]
) -> None:
    entry = list_run_cache()[0]
    damage(entry)
    result = run_check("cache")
    assert result["status"] == 1
    assert [row["output"] for row in result["rows"]] == ["run cache"]
    assert result["rows"][0]["damaged object"].startswith(str(entry.parent))
    assert run_check("cache", "--repair")["status"] == 0
    assert run_check("cache")["status"] == 0
    tiny_project.repro()
    assert tiny_project.git("status", "--porcelain") == ""


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
