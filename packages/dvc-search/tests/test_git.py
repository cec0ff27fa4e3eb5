from pathlib import Path

import pytest

from dvc_search import git as module
from dvc_search.errors import GitError
from dvc_search.git import git, try_git


def test_returns_output(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert git(tmp_path, "rev-parse", "--show-toplevel") == str(tmp_path.resolve())


def test_error_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(GitError, match=r"^git clone: fatal: repository 'no/such' does not exist$"):
        git(tmp_path, "clone", "no/such", "clone")
    assert try_git(tmp_path, "clone", "no/such", "clone") is None


def test_ends_when_there_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet")
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.1)
    with pytest.raises(GitError, match=r"no answer within 0\.1 s"):
        git(tmp_path, "-c", "alias.wait=!sleep 2", "wait")


@pytest.mark.parametrize("configured", [True, False])
def test_uses_ssh_command_of_the_user(tmp_path: Path, *, configured: bool) -> None:
    git(tmp_path, "init", "--quiet", "clone")
    clone, marker = tmp_path / "clone", tmp_path / "called"
    if configured:
        git(tmp_path, "-C", "clone", "config", "core.sshCommand", f"touch {marker}; false")
    assert try_git(clone, "ls-remote", "ssh://nobody@localhost:1/repository") is None
    assert marker.exists() == configured
