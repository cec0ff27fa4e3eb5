import json
from pathlib import Path

import pytest

from foreign_project import Project, Restore

NO_PROCESS = 2**22 + 1


def test_removes_locks_of_git(project: Project, unchanged: Restore) -> None:
    locks = [".git/HEAD.lock", ".git/index.lock", ".git/refs/heads/main.lock"]
    for lock in locks:
        Path(lock).touch()
    assert sorted(unchanged()) == [f"Removed {lock}, left by a killed process" for lock in locks]


@pytest.mark.parametrize("content", ["", "{", json.dumps({"write": {"data": {"pid": NO_PROCESS, "cmd": "dvc repro"}}})])
def test_removes_locks_of_dvc(project: Project, unchanged: Restore, content: str) -> None:
    locks = [".dvc/tmp/exps/rwlock", ".dvc/tmp/rwlock"]
    Path(".dvc/tmp/exps").mkdir(exist_ok=True)
    for lock in locks:
        Path(lock).write_text(content)
    assert sorted(unchanged()) == [f"Removed {lock}, left by a killed process" for lock in locks]


@pytest.mark.parametrize("target", ["/dev/zero", "nowhere", None])
def test_removes_what_is_no_file(project: Project, unchanged: Restore, target: str | None) -> None:
    paths = [Path(".dvc/tmp", name) for name in ("btime", "lock", "rwlock", "rwlock.lock")]
    for path in paths:
        path.unlink(missing_ok=True)
        path.symlink_to(target) if target else path.mkdir()
    assert sorted(unchanged()) == [f"Removed {path}, left by a killed process" for path in paths]
