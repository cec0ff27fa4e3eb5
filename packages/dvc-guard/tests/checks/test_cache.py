from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from foreign_project import FILES, RAW, Project, RunCheck, damage_file, find_object, link_to_object

LISTING = "[{"  # the first characters of a .dir file


def test_passes_without_damaged_objects(project: Project, run_check: RunCheck) -> None:
    summary = "4 objects (3 of HEAD) and 2 run cache entries match their hashes"
    assert run_check("cache") == {"check": "cache", "status": 0, "summary": summary, "rows": [], "notes": []}


def test_notes_missing_objects(project: Project, run_check: RunCheck) -> None:
    assert run_check("cache", "--strict")["status"] == 0
    find_object(RAW).unlink()
    missing = "missing from the cache: 1 of 3 objects of HEAD"
    result = run_check("cache")
    assert (result["status"], result["notes"]) == (0, [f"Not checked, because {missing}"])
    result = run_check("cache", "--strict")
    assert (result["status"], result["summary"]) == (2, f"{missing}; run dvc pull")


def test_detects_damaged_object(project: Project, run_check: RunCheck) -> None:
    damage_file(find_object(RAW))
    result = run_check("cache")
    assert result["status"] == 1
    assert result["rows"] == [{"output": "data/a.txt, report.txt", "damaged object": str(find_object("bad"))}]
    assert find_object("bad").exists()
    assert run_check("cache")["status"] == 1


def test_repairs_damaged_directory_listing(project: Project, run_check: RunCheck) -> None:
    damage_file(find_object(LISTING), "[]")
    assert [row["output"] for row in run_check("cache")["rows"]] == ["data"]
    result = run_check("cache", "--repair")
    assert result["status"] == 0
    assert_restored_by_repro(project, run_check)


@pytest.mark.parametrize("linked", [["data/a.txt", "report.txt"], ["report.txt"], []], ids=len)
def test_repro_restores_removed_files(project: Project, run_check: RunCheck, linked: list[str]) -> None:
    cached = find_object(RAW)
    link_to_object(cached, *linked)
    project.repro()  # DVC caches the hashes of the links
    damage_file(cached)
    assert project.repro() == [], "DVC detected the damage"
    result = run_check("cache", "--repair")
    assert result["status"] == 0
    assert [row["output"] for row in result["rows"]] == ["data/a.txt, report.txt"]
    assert [name for name in ("data/a.txt", "report.txt") if not Path(name).exists()] == linked
    assert_restored_by_repro(project, run_check)


def assert_restored_by_repro(project: Project, run_check: RunCheck) -> None:
    assert project.repro() != []
    assert Path("data/a.txt").read_text() == Path("report.txt").read_text() == RAW
    assert project.git("status", "--porcelain") == ""
    result = run_check("cache")
    assert (result["status"], result["notes"]) == (0, [])


def test_repair_removes_symlinks(project: Project, run_check: RunCheck) -> None:
    Path("report.txt").unlink()
    Path("report.txt").symlink_to(find_object(RAW).resolve())
    damage_file(find_object(RAW))
    run_check("cache", "--repair")
    assert not Path("report.txt").is_symlink()


def test_repair_keeps_other_files(project: Project, run_check: RunCheck) -> None:
    project.write("report.txt", "mine\n")
    damage_file(find_object(RAW))
    run_check("cache", "--repair")
    assert Path("report.txt").read_text() == "mine\n"
    assert Path("data/a.txt").read_text() == RAW


def test_repair_in_subdirectory(empty_folder: Path, run_check: RunCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.create(empty_folder / "a repository", "sub")
    project.run_and_commit(FILES)
    monkeypatch.chdir(project.folder)
    link_to_object(find_object(RAW), "report.txt")
    damage_file(find_object(RAW))
    assert run_check("cache", "--repair")["status"] == 0
    assert not Path("report.txt").exists()


def test_repair_respects_dvc_lock(project: Project, run_check: RunCheck) -> None:
    damage_file(find_object(RAW))
    with Repo() as repo, repo.lock:
        result = run_check("cache", "--repair")
    assert result["status"] == 2
    assert "lock" in result["summary"]
    assert find_object("bad").exists()


def test_repairs_directory_in_place_of_object(project: Project, run_check: RunCheck) -> None:
    cached = find_object(RAW)
    cached.unlink()
    cached.mkdir()
    result = run_check("cache")
    assert (result["status"], result["rows"][0]["damaged object"]) == (1, str(cached))
    assert run_check("cache", "--repair")["status"] == 0
    assert not cached.exists()


def list_run_cache() -> list[Path]:
    return sorted(path for path in Path(".dvc/cache/runs").rglob("*") if path.is_file())


def test_detects_damaged_object_that_head_does_not_use(project: Project, run_check: RunCheck) -> None:
    """An output with `cache: false`, too, has a copy in the cache: DVC restores it with the run."""
    project.write("data/more.txt", "more\n")
    with Repo() as repo:
        repo.commit(force=True)
    project.git("checkout", "--", ".")
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
def test_repairs_damaged_run_cache(project: Project, run_check: RunCheck, damage: Callable[[Path], object]) -> None:
    entry = list_run_cache()[0]
    damage(entry)
    result = run_check("cache")
    assert result["status"] == 1
    assert [row["output"] for row in result["rows"]] == ["run cache"]
    assert result["rows"][0]["damaged object"].startswith(str(entry.parent))
    assert run_check("cache", "--repair")["status"] == 0
    assert run_check("cache")["status"] == 0
    project.repro()
    assert project.git("status", "--porcelain") == ""


def test_detects_damaged_added_data(project: Project, run_check: RunCheck) -> None:
    project.dvc_add("more.csv", "more\n")
    project.commit()
    damage_file(find_object("more"))
    assert [row["output"] for row in run_check("cache")["rows"]] == ["more.csv"]
