"""The project that all cases copy: two stages, data of dvc add, and notes."""

import contextlib
from pathlib import Path

import pytest

from foreign_project import FILES, Project


def isolate(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Hide the settings of the user: of Git, of DVC, and environment variables that affect the commands."""
    for role in ("AUTHOR", "COMMITTER"):
        patch.setenv(f"GIT_{role}_NAME", "Tester")
        patch.setenv(f"GIT_{role}_EMAIL", "tester@localhost")
    patch.setenv("HOME", str(folder))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("GIT_CEILING_DIRECTORIES", str(folder))
    patch.setenv("DVC_SITE_CACHE_DIR", str(folder / "site"))
    for name in ("NOISE", "GITHUB_STEP_SUMMARY", "XDG_CONFIG_HOME"):
        patch.delenv(name, raising=False)


def make_template(folder: Path) -> Path:
    """Run the pipeline, add data and commit."""
    project = Project.create(folder)
    project.run_and_commit(FILES)
    project.write("pictures/1.txt", "1\n")
    project.write("pictures/2.txt", "2\n")
    project.write("notes.md", "notes\n")
    with contextlib.redirect_stdout(None):
        project.dvc_add("labels.csv", "labels\n")
        project.dvc_add("pictures")
    project.commit()
    return folder
