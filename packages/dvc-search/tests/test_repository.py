import shutil
from pathlib import Path

import pytest

from dvc_search.errors import SearchError
from dvc_search.git import git
from dvc_search.lock import lock_search
from dvc_search.preconditions import is_in_history
from dvc_search.remotes import find_git_remote
from dvc_search.repository import (
    Source,
    fetch_experiments,
    find_notes,
    find_source,
    has_changed_since,
    is_recorded,
    list_experiments,
)
from dvc_search.task import Metric
from search_project import Project
from searches import configure, make_space

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("inside")]


def find_errors(*, on_this_machine: bool) -> list[str]:
    with pytest.raises(SearchError) as caught:
        find_source(on_this_machine=on_this_machine)
    return str(caught.value).split("\n")


def test_source_on_this_machine(project: Project) -> None:
    commit = project.git("rev-parse", "HEAD")
    (project.folder / "notes.txt").write_text("no stage reads it")
    source = Source(commit, str(project.folder), "", ("Tester", "tester@localhost"), "")
    assert find_source(on_this_machine=True) == source
    fetch_experiments(source, "trial")  # they are here already


def test_source_on_other_machines(shared: Project, tmp_path: Path) -> None:
    source = find_source(on_this_machine=False)
    assert (source.repository, source.remote) == (str(tmp_path / "git"), "origin")
    ref = f"refs/exps/{source.commit[:2]}/{source.commit[2:]}/trial-0"
    git(tmp_path / "git", "update-ref", ref, source.commit)
    assert (is_recorded(source, "trial-0"), is_recorded(source, "trial-1")) == (True, False)
    assert list_experiments(source, "trial") == {}
    assert fetch_experiments(source, "trial") == {"trial-0"}
    assert list_experiments(source, "trial") == {"trial-0": source.commit}
    git(tmp_path / "git", "update-ref", "-d", ref)  # dvc exp remove --git-remote
    assert fetch_experiments(source, "trial") == set()


def test_rejects_uncommitted_changes(project: Project) -> None:
    project.change("params.yaml", lr=0.5)
    (project.folder / "train.py").write_text("")
    error = (
        "params.yaml, train.py: not committed, and stages read it; to fix: git add params.yaml train.py && git commit"
    )
    assert find_errors(on_this_machine=True) == [error]


def test_rejects_repository_without_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "--quiet")
    assert find_errors(on_this_machine=True) == ["there is no commit; to fix: git add --all && git commit"]


def test_rejects_download_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    error = f"{tmp_path} is not in a Git repository; trials need its commits; to fix: git clone it"
    assert find_errors(on_this_machine=True) == [error]


def test_rejects_repository_of_another_user(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    (error,) = find_errors(on_this_machine=True)
    reason, _, commands = error.partition("; if you trust it: ")
    assert reason == f"{project.folder} belongs to another user"
    (project.folder.parent / "home").mkdir()
    project.run("sh", "-c", commands)
    assert find_source(on_this_machine=True).commit
    config = project.folder.parent / "home/.gitconfig"
    config.write_text(f"[safe]\n    directory = {project.folder}\n")
    (error,) = find_errors(on_this_machine=True)
    assert error.startswith(f"{project.folder}/.git belongs to another user; if you trust it: git config --global ")


def test_rejects_project_that_cannot_be_written(project: Project) -> None:
    shutil.rmtree(".dvc/tmp")
    Path(".dvc/tmp").touch()
    error = f"^{project.folder}/.dvc/tmp/search cannot be written \\(.*\\); search in a copy$"
    with pytest.raises(SearchError, match=error), lock_search("trial"):
        pass


def test_rejects_folder_without_dvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "--quiet", "--allow-empty", "-mBegin")
    (error,) = find_errors(on_this_machine=True)
    assert error.startswith("dvc: you are not inside of a DVC repository")


def test_rejects_metric_that_no_trial_can_have(project: Project) -> None:
    def find_metric_error(file: str, key: str) -> str:
        with pytest.raises(SearchError) as caught:
            find_source(on_this_machine=True, metrics=[Metric(file, key)])
        return str(caught.value)

    for key in ("validation.skore", "validation"):
        error = (
            f"metrics.json: no number under {key}; did you mean validation.score? its numbers: validation.score, step"
        )
        assert find_metric_error("metrics.json", key) == error
    error = "model.txt: in DVC's cache, and must be in Git; to fix: cache: false in dvc.yaml"
    assert find_metric_error("model.txt", "score") == error
    error = "metric.json: not in the last commit, and no stage of dvc.yaml writes it"
    assert find_metric_error("metric.json", "score") == error
    project.git("rm", "--quiet", "metrics.json")
    project.commit("Ignore metrics")
    find_source(on_this_machine=True, metrics=[Metric("metrics.json", "validation.skore")])  # the first trial shows it


@pytest.mark.parametrize(
    ("text", "changed", "is_noted"),
    [
        ("exec", "exec", True),
        ("exec python train.py", "exec python train.py ${seed}", False),
        ("[epochs", "[seed", False),
        ("[data.txt", "[params.yaml, data.txt", False),
    ],
)
def test_notes_key_that_no_stage_lists(project: Project, text: str, changed: str, is_noted: bool) -> None:  # noqa: FBT001
    project.change("params.yaml", seed=0)
    path = project.folder / "dvc.yaml"
    path.write_text(path.read_text().replace(text, changed))
    note = "seed: among the params of no stage in dvc.yaml; its value may make no difference"
    metrics = (Metric("metrics.json", "validation.score"),)
    notes = find_notes(configure(metrics=metrics, space=make_space(lr=[1, 2], seed=[1, 2])))
    assert list(notes) == [note] * is_noted


def test_rejects_missing_remotes() -> None:
    assert find_errors(on_this_machine=False) == [
        "there is no Git remote; to fix: git remote add origin URL && git push --set-upstream origin HEAD",
        "there is no default DVC remote; to fix: dvc remote add --default storage URL, then commit .dvc/config",
    ]


def test_rejects_what_is_not_pushed(shared: Project, tmp_path: Path) -> None:
    shared.change("params.yaml", lr=0.25)
    shared.run("dvc", "repro", "--quiet")
    shared.commit("Change lr")
    commit = shared.git("rev-parse", "--short=7", "HEAD")
    assert find_errors(on_this_machine=False) == [
        f"commit {commit} is not on Git remote origin; to fix: git push origin HEAD",
        "model.txt: not on DVC remote storage; to fix: dvc push",
    ]
    (tmp_path / "git").rename(tmp_path / "away")
    assert find_errors(on_this_machine=False)[0].startswith("Git remote origin: git ls-remote: fatal: ")


def test_rejects_remote_that_workers_do_not_know(shared: Project) -> None:
    config = shared.folder / ".dvc/config"
    lines = config.read_text().splitlines(keepends=True)
    config.write_text("".join(lines[:2]))
    (shared.folder / ".dvc/config.local").write_text("".join([lines[0], *lines[2:]]))
    shared.commit("Remote of this clone alone")
    shared.git("push", "--quiet")
    error = "DVC remote storage is not in .dvc/config, which workers read; to fix: dvc remote add storage URL"
    assert find_errors(on_this_machine=False) == [error]


def test_rejects_relative_remote(shared: Project) -> None:
    config = shared.folder / ".dvc/config"
    config.write_text(config.read_text().partition("url = ")[0] + "url = ../../storage\n")
    shared.commit("Relative")
    shared.git("push", "--quiet")
    (error,) = find_errors(on_this_machine=False)
    assert error.startswith("DVC remote storage: ../../storage is relative, and trials run elsewhere; to fix: ")
    assert error.endswith(f"dvc remote modify storage url {shared.folder.parent}/storage")


def test_changes_that_stages_read(project: Project) -> None:
    commit = project.git("rev-parse", "HEAD")
    (project.folder / "notes.txt").write_text("no stage reads it")
    project.commit("Add notes")
    assert not has_changed_since(commit)
    assert is_in_history(commit)
    (project.folder / "train.py").write_text("")
    project.commit("Change a stage")
    assert has_changed_since(commit)
    project.git("update-ref", "-d", "HEAD")
    project.commit("Another history")
    assert not is_in_history(commit)


def test_git_remote_of_the_branch(project: Project) -> None:
    assert find_git_remote() is None
    project.git("remote", "add", "first", "/first")
    assert find_git_remote() == "first"
    project.git("remote", "add", "second", "/second")
    assert find_git_remote() is None
    project.git("remote", "add", "origin", "/origin")
    assert find_git_remote() == "origin"
    project.git("config", "branch.main.remote", "second")
    assert find_git_remote() == "second"
