from pathlib import Path

from dvc_guard.restore.head import find_detached_branch
from foreign_project import Project, Restore


def detach_as_dvc(project: Project) -> None:
    project.git("checkout", "--quiet", "--detach", project.git("rev-parse", "HEAD").strip())
    project.git("update-ref", "refs/exps/exec/EXEC_HEAD", "HEAD")


def test_attaches_head(project: Project, unchanged: Restore) -> None:
    detach_as_dvc(project)
    project.replace("params.yaml", "90", "91")
    project.git("add", "params.yaml")
    assert unchanged() == [
        "Unstaged params.yaml",
        "Attached HEAD to branch main, from which a killed dvc exp run had detached it",
        "Restored params.yaml",
        "To set the changed parameters again: dvc exp run -S level=91",
    ]
    assert project.git("for-each-ref", "--format=%(refname)", "refs/exps") == "refs/exps/exec/EXEC_HEAD\n"


def test_keeps_head_that_the_user_detached(project: Project) -> None:
    project.git("tag", "v1")
    project.git("checkout", "--quiet", "v1")
    assert find_detached_branch() is None
    assert project.git("rev-parse", "--symbolic-full-name", "HEAD") == "HEAD\n"


def test_keeps_edits_that_were_staged(project: Project, restore: Restore) -> None:
    project.write("notes.md", "staged\n")
    project.replace("raw.txt", "raw", "raw")
    project.git("add", "notes.md")
    assert restore() == []
    assert Path("notes.md").read_text() == "staged\n"


def test_attaches_head_after_commit_of_experiment(project: Project, unchanged: Restore) -> None:
    detach_as_dvc(project)
    experiment = record_experiment(project)
    project.git("reset", "--quiet", "--hard", experiment)
    project.git("symbolic-ref", "refs/exps/exec/EXEC_BRANCH", "refs/exps/ab/cd/recorded")
    assert unchanged()[0] == "Attached HEAD to branch main, from which a killed dvc exp run had detached it"
    refs = project.git("for-each-ref", "--format=%(refname)", "refs/exps").split()
    assert refs == ["refs/exps/ab/cd/recorded", "refs/exps/exec/EXEC_HEAD"]


def record_experiment(project: Project) -> str:
    commit = project.git("commit-tree", "-p", "HEAD", "-m", "my message", "HEAD^{tree}").strip()
    project.git("update-ref", "refs/exps/ab/cd/recorded", commit)
    return commit


def test_attaches_head_that_dvc_detached_twice(project: Project, unchanged: Restore) -> None:
    detach_as_dvc(project)
    detach_as_dvc(project)
    unchanged()


def test_keeps_commit_on_detached_head(project: Project) -> None:
    detach_as_dvc(project)
    project.commit()
    assert find_detached_branch() is None


def test_removes_run_that_was_not_started(project: Project, unchanged: Restore) -> None:
    project.git("update-ref", "refs/exps/stash", "HEAD")
    project.git("update-ref", "refs/exps/celery/stash", "HEAD")
    unchanged()
    assert project.git("for-each-ref", "--format=%(refname)", "refs/exps") == "refs/exps/celery/stash\n"


def test_recreates_damaged_index(project: Project, unchanged: Restore) -> None:
    Path(".git/index").write_bytes(b"DIRC\0\0")
    assert unchanged() == ["Recreated the index of Git, which was damaged"]
