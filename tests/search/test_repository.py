from pathlib import Path

import pytest

from search.errors import SearchError
from search.git import git
from search.repository import (
    Source,
    fetch_experiments,
    find_git_remote,
    find_source,
    has_changed_since,
    is_in_history,
    is_recorded,
)
from tests.clone import Clone

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def environment(project: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    for name in ("HOME", "DVC_SITE_CACHE_DIR", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, project.environment[name])


def find_errors(*, on_this_machine: bool) -> list[str]:
    with pytest.raises(SearchError) as caught:
        find_source(on_this_machine=on_this_machine)
    return str(caught.value).split("\n")


def test_source_on_this_machine(project: Clone) -> None:
    commit = project.run("git", "rev-parse", "HEAD").stdout.strip()
    (project.folder / "notes.txt").write_text("no stage reads it")
    source = Source(commit, str(project.folder), "", ("Tester", "tester@localhost"), "")
    assert find_source(on_this_machine=True) == source
    fetch_experiments(source, "trial")  # they are here already


def test_source_on_other_machines(shared: Clone, tmp_path: Path) -> None:
    source = find_source(on_this_machine=False)
    assert (source.repository, source.remote) == (str(tmp_path / "git"), "origin")
    ref = f"refs/exps/{source.commit[:2]}/{source.commit[2:]}/trial-0"
    git(tmp_path / "git", "update-ref", ref, source.commit)
    assert (is_recorded(source, "trial-0"), is_recorded(source, "trial-1")) == (True, False)
    fetch_experiments(source, "trial")
    assert shared.run("git", "rev-parse", ref).stdout.strip() == source.commit


def test_rejects_uncommitted_changes(project: Clone) -> None:
    project.set_parameters(lr=0.5)
    (project.folder / "train.py").write_text("")
    error = (
        "params.yaml, train.py: not committed, and stages read it; to fix: git add params.yaml train.py && git commit"
    )
    assert find_errors(on_this_machine=True) == [error]


def test_rejects_repository_without_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "--quiet")
    assert find_errors(on_this_machine=True) == ["there is no commit; to fix: git add --all && git commit"]


def test_rejects_folder_without_dvc(tmp_path: Path, project: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run("git", "rm", "-r", "--quiet", "--cached", ".dvc")
    monkeypatch.chdir(tmp_path)
    project.run("git", "-C", str(tmp_path), "init", "--quiet")
    git(tmp_path, "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "--quiet", "--allow-empty", "-mBegin")
    (error,) = find_errors(on_this_machine=True)
    assert error.startswith("dvc: you are not inside of a DVC repository")


def test_rejects_missing_remotes() -> None:
    assert find_errors(on_this_machine=False) == [
        "there is no Git remote; to fix: git remote add origin URL && git push --set-upstream origin HEAD",
        "there is no default DVC remote; to fix: dvc remote add --default storage URL, then commit .dvc/config",
    ]


def test_rejects_what_is_not_pushed(shared: Clone, tmp_path: Path) -> None:
    shared.set_parameters(lr=0.25)
    shared.run("dvc", "repro", "--quiet")
    shared.commit("Change lr")
    commit = shared.run("git", "rev-parse", "--short=7", "HEAD").stdout.strip()
    assert find_errors(on_this_machine=False) == [
        f"commit {commit} is not on Git remote origin; to fix: git push origin HEAD",
        "model.txt: not on DVC remote storage; to fix: dvc push",
    ]
    (tmp_path / "git").rename(tmp_path / "away")
    assert find_errors(on_this_machine=False)[0].startswith("Git remote origin: git ls-remote: fatal: ")


def test_rejects_remote_that_workers_do_not_know(shared: Clone) -> None:
    config = shared.folder / ".dvc/config"
    lines = config.read_text().splitlines(keepends=True)
    config.write_text("".join(lines[:2]))
    (shared.folder / ".dvc/config.local").write_text("".join([lines[0], *lines[2:]]))
    shared.commit("Remote of this clone alone")
    shared.run("git", "push", "--quiet")
    error = "DVC remote storage is not in .dvc/config, which workers read; to fix: dvc remote add storage URL"
    assert find_errors(on_this_machine=False) == [error]


def test_rejects_relative_remote(shared: Clone) -> None:
    config = shared.folder / ".dvc/config"
    config.write_text(config.read_text().partition("url = ")[0] + "url = ../../storage\n")
    shared.commit("Relative")
    shared.run("git", "push", "--quiet")
    (error,) = find_errors(on_this_machine=False)
    assert error.startswith("DVC remote storage: ../../storage is relative, and trials run elsewhere; to fix: ")
    assert error.endswith(f"dvc remote modify storage url {shared.folder.parent}/storage")


def test_changes_that_stages_read(project: Clone) -> None:
    commit = project.run("git", "rev-parse", "HEAD").stdout.strip()
    (project.folder / "notes.txt").write_text("no stage reads it")
    project.commit("Add notes")
    assert not has_changed_since(commit)
    assert is_in_history(commit)
    (project.folder / "train.py").write_text("")
    project.commit("Change a stage")
    assert has_changed_since(commit)
    project.run("git", "update-ref", "-d", "HEAD")
    project.commit("Another history")
    assert not is_in_history(commit)


def test_git_remote_of_the_branch(project: Clone) -> None:
    assert find_git_remote() is None
    project.run("git", "remote", "add", "first", "/first")
    assert find_git_remote() == "first"
    project.run("git", "remote", "add", "second", "/second")
    assert find_git_remote() is None
    project.run("git", "remote", "add", "origin", "/origin")
    assert find_git_remote() == "origin"
    project.run("git", "config", "branch.main.remote", "second")
    assert find_git_remote() == "second"
