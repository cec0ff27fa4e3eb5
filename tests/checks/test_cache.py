import os
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.checks.conftest import DVC_WARNS, TINY, Ask, Project, damage
from tests.conftest import Clone

pytestmark = DVC_WARNS

RAW = "raw\n"
# What a folder's listing and an output begin with; data/a.txt and report.txt are the same object.
LISTING = "[{"


def find(start: str) -> Path:
    """Find the file of the cache that begins so."""
    files = [path for path in Path(".dvc/cache/files").rglob("*") if path.is_file()]
    (found,) = [path for path in files if path.read_text().startswith(start) and path.read_text() != "raw\n\n"]
    return found


def link(cached: Path, *copies: str) -> None:
    """Make files of the workspace hard links to an object, as DVC does where it may."""
    for copy in copies:
        Path(copy).unlink()
        os.link(cached, copy)


def test_holds_where_every_object_is_what_its_name_says(tiny: Project, ask: Ask) -> None:
    answer = ask("cache")
    assert answer == {
        "check": "cache",
        "status": 0,
        "summary": "3 objects are what their names say",
        "rows": [],
        "notes": [],
    }


def test_what_is_not_in_the_cache_is_no_fault(tiny: Project, ask: Ask) -> None:
    find(RAW).unlink()
    answer = ask("cache")
    assert answer["status"] == 0
    assert answer["notes"] == ["Not in the cache, and therefore not checked: 1 of 3 objects."]


def test_a_damaged_object_is_named_with_its_outputs(tiny: Project, ask: Ask) -> None:
    damage(find(RAW))
    answer = ask("cache")
    assert answer["status"] == 1
    assert answer["rows"] == [{"output": "data/a.txt, report.txt", "damaged object": str(find("bad"))}]
    assert find("bad").exists()
    assert ask("cache")["status"] == 1


def test_a_damaged_listing_is_named_and_removed(tiny: Project, ask: Ask) -> None:
    damage(find(LISTING), "[]")
    assert [row["output"] for row in ask("cache")["rows"]] == ["data"]
    answer = ask("cache", "--repair")
    assert answer["status"] == 0
    assert answer["notes"] == ["The listing of data was damaged: check again what it lists, after dvc repro."]
    assert_healed_by_dvc_repro(tiny, ask)


@pytest.mark.parametrize("linked", [["data/a.txt", "report.txt"], ["report.txt"], []], ids=len)
def test_dvc_repro_heals_what_repair_removed(tiny: Project, ask: Ask, linked: list[str]) -> None:
    cached = find(RAW)
    link(cached, *linked)
    tiny.reproduce()  # DVC's database now vouches for the links
    damage(cached)
    assert tiny.reproduce() == [], "DVC notices the damage by itself"
    answer = ask("cache", "--repair")
    assert answer["status"] == 0
    assert [row["output"] for row in answer["rows"]] == ["data/a.txt, report.txt"]
    assert [name for name in ("data/a.txt", "report.txt") if not Path(name).exists()] == linked
    assert_healed_by_dvc_repro(tiny, ask)


def assert_healed_by_dvc_repro(project: Project, ask: Ask) -> None:
    assert project.reproduce() != []
    assert Path("data/a.txt").read_text() == Path("report.txt").read_text() == RAW
    assert project.git("status", "--porcelain") == ""
    answer = ask("cache")
    assert (answer["status"], answer["notes"]) == (0, [])


def test_repair_removes_symbolic_links_too(tiny: Project, ask: Ask) -> None:
    Path("report.txt").unlink()
    Path("report.txt").symlink_to(find(RAW).resolve())
    damage(find(RAW))
    ask("cache", "--repair")
    assert not Path("report.txt").is_symlink()


def test_repair_keeps_files_that_do_not_have_the_damage(tiny: Project, ask: Ask) -> None:
    tiny.write("report.txt", "mine\n")
    damage(find(RAW))
    ask("cache", "--repair")
    assert Path("report.txt").read_text() == "mine\n"
    assert Path("data/a.txt").read_text() == RAW


def test_repair_in_a_folder_of_the_repository(empty: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.create(empty / "a repository", "lower")
    project.fill(TINY)
    monkeypatch.chdir(project.folder)
    link(find(RAW), "report.txt")
    damage(find(RAW))
    assert ask("cache", "--repair")["status"] == 0
    assert not Path("report.txt").exists()


def test_repair_waits_for_dvc(tiny: Project, ask: Ask) -> None:
    damage(find(RAW))
    with Repo() as repo, repo.lock:
        answer = ask("cache", "--repair")
    assert answer["status"] == 2
    assert "lock" in answer["summary"]
    assert find("bad").exists()


def test_what_cannot_be_read_is_no_answer(tiny: Project, ask: Ask) -> None:
    cached = find(RAW)
    cached.unlink()
    cached.mkdir()
    answer = ask("cache")
    assert answer["status"] == 2
    assert cached.name in answer["summary"]


def test_data_that_was_added_is_checked(everything: Project, ask: Ask) -> None:
    assert ask("cache")["status"] == 0
    with Repo() as repo:
        repo.add("raw.csv")
    everything.add("raw.csv", "more\n")
    everything.commit()
    damage(find("more"))
    assert [row["output"] for row in ask("cache")["rows"]] == ["raw.csv"]


def test_a_damaged_model_is_found_and_healed(digits: Clone) -> None:
    model = digits.folder / "models/mlp.safetensors"
    (cached,) = [
        path for path in (digits.folder / ".dvc/cache/files").rglob("*") if path.is_file() and same(path, model)
    ]
    model.unlink()
    os.link(cached, model)
    content = model.read_bytes()
    damage(model, "x" * len(content))
    assert "models/mlp.safetensors" in digits.run("python", "-m", "checks", "cache", "--repair").stdout
    digits.run("dvc", "repro")
    assert model.read_bytes() == cached.read_bytes() == content
    assert digits.run("git", "status", "--porcelain").stdout == ""


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()
