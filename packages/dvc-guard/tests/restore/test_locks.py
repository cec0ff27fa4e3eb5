import json
from pathlib import Path

import pytest

from foreign_project import Project, Restore

NO_PROCESS = 2**22 + 1


@pytest.mark.parametrize("name", ["index.lock", "HEAD.lock", "refs/heads/main.lock"])
def test_removes_locks_of_git(project: Project, unchanged: Restore, name: str) -> None:
    (Path(".git") / name).touch()
    assert unchanged() == [f"Removed .git/{name}, left by a killed process"]


@pytest.mark.parametrize("content", ["", "{", json.dumps({"write": {"data": {"pid": NO_PROCESS, "cmd": "dvc repro"}}})])
@pytest.mark.parametrize("folder", [".dvc/tmp", ".dvc/tmp/exps"])
def test_removes_locks_of_dvc(project: Project, unchanged: Restore, folder: str, content: str) -> None:
    Path(folder).mkdir(exist_ok=True)
    (Path(folder) / "rwlock").write_text(content)
    assert unchanged() == [f"Removed {folder}/rwlock, left by a killed process"]


@pytest.mark.parametrize("target", ["/dev/zero", "nowhere", None])
@pytest.mark.parametrize("name", ["rwlock", "lock", "btime", "rwlock.lock"])
def test_removes_what_is_no_file(project: Project, unchanged: Restore, name: str, target: str | None) -> None:
    path = Path(".dvc/tmp") / name
    path.unlink(missing_ok=True)
    path.symlink_to(target) if target else path.mkdir()
    assert unchanged() == [f"Removed {path}, left by a killed process"]
