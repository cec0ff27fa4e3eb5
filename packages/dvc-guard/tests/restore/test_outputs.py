import shutil
import tempfile
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc_data.index import DataIndexEntry
from dvc_objects.fs.utils import tmp_fname

from dvc_guard.errors import GuardError
from dvc_guard.restore.command_line import main
from foreign_project import RAW, Project, Restore, damage_file, find_object, link_to_object

DATA = Path("data/a.txt")
pytestmark = pytest.mark.slow


def test_nothing_to_do(project: Project, unchanged: Restore) -> None:
    assert unchanged() == []


def test_restores_damage_of_same_size_and_time(project: Project, unchanged: Restore) -> None:
    damage_file(DATA, "bad\n")
    assert unchanged() == ["Restored data"]


@pytest.mark.parametrize("path", ["data", "report.txt", "data/a.txt"])
def test_restores_missing_output(project: Project, unchanged: Restore, path: str) -> None:
    shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink()
    [line] = unchanged()
    assert line == f"Restored {path.partition('/')[0]}"


def test_removes_file_that_is_not_of_an_output(project: Project, unchanged: Restore) -> None:
    Path("data/deep/other.txt").write_text("other\n")
    unchanged()
    assert not Path("data/deep/other.txt").exists()


@pytest.mark.parametrize("target", ["/dev/zero", "nowhere", "."])
def test_removes_link_to_no_file(project: Project, unchanged: Restore, target: str) -> None:
    for path in (DATA, Path("report.txt")):
        path.unlink()
        path.symlink_to(target)
    assert unchanged() == ["Restored data", "Restored report.txt"]


def test_replaces_incomplete_index_of_dvc(project: Project, unchanged: Restore) -> None:
    with Repo() as repo:
        repo.drop_data_index()
        repo.data_index[("tree", repo.index.data_tree.hash_info.value, "repo")] = DataIndexEntry()
        repo.data_index.commit()
    assert unchanged() == []
    assert unchanged() == [], "it keeps the outputs"


def test_removes_temporary_files(project: Project, unchanged: Restore) -> None:
    name = tmp_fname("report.txt")
    Path(name).touch()
    assert f"Removed {name}, left by a killed dvc" in unchanged()


@pytest.mark.parametrize("folder", [".dvc/tmp/exps/standalone/tmpabc", ".dvc/tmp/exps/tmpabc"])
def test_removes_folder_of_killed_experiment(project: Project, unchanged: Restore, folder: str) -> None:
    Path(folder, "data").mkdir(parents=True)
    assert unchanged() == [f"Removed {folder}, left by a killed dvc"]
    assert not Path(folder).exists()


def test_recreates_damaged_objects(project: Project, unchanged: Restore) -> None:
    cached = find_object(RAW)
    link_to_object(cached, str(DATA), "report.txt")
    damage_file(cached)
    lines = unchanged()
    assert lines[0] == f"Removed {cached}, which was damaged (data/a.txt, report.txt)"
    assert lines[1].startswith("Missing from the cache: data/a.txt, report.txt; ")
    assert find_object(RAW) == cached


def test_recreates_outputs_of_the_commit_beside_edited_code_in_paths_that_are_not_ascii(
    project: Project, restore: Restore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp \u00fc"))
    (tmp_path / "tmp \u00fc").mkdir()
    project.folder = project.folder.rename(tmp_path / "projekt \u00fc")
    monkeypatch.chdir(project.folder)
    project.remove_cache()
    Path("report.txt").symlink_to("/dev/zero")  # no copy of the missing object
    project.write("prepare.sh", "false\n")
    restore()
    assert Path("prepare.sh").read_text() == "false\n"


def test_pulls_from_remote_of_relative_path(
    project: Project, unchanged: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(".dvc/config", "[core]\n    remote = r\n['remote \"r\"']\n    url = ../../remote\n")
    project.commit()
    with Repo() as repo:
        repo.push()
    project.remove_cache()
    monkeypatch.setenv("NOISE", "1")  # the stages would write other outputs
    unchanged()


def test_reports_stage_that_fails(project: Project) -> None:
    project.write("prepare.sh", "echo no mirror >&2; exit 3\n")
    project.git("commit", "--quiet", "--all", "--message", "x")
    find_object(RAW).unlink()
    DATA.unlink()
    Path("report.txt").unlink()
    with pytest.raises(GuardError, match=r"^dvc repro exited with 255 in a clone of the last commit"):
        main("restore", [])


def test_reports_outputs_that_differ(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISE", "1")
    shutil.rmtree(".dvc/cache")
    with pytest.raises(GuardError, match=r"^the pipeline of the last commit gives other outputs"):
        main("restore", [])


def test_removes_damaged_run_cache(project: Project, unchanged: Restore) -> None:
    entry = next(path for path in Path(".dvc/cache/runs").rglob("*") if path.is_file())
    entry.write_text("cmd: ")
    assert unchanged() == [f"Removed {entry}, which was damaged (run cache)"]
