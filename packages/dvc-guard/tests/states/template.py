"""The project that all cases copy: two guarded stages, data of dvc add, and notes."""

import contextlib
import os
import subprocess
import sys
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
    patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("DVC_STAGE", "NOISE", "GITHUB_STEP_SUMMARY", "XDG_CONFIG_HOME"):
        patch.delenv(name, raising=False)


def guard_stages() -> dict[str, str]:
    """Return the files of stages behind the guard; `score` first runs the commands of $DURING, if any."""
    dvc_yaml = FILES["dvc.yaml"].replace("cmd: sh", "cmd: dvc-guard run sh")
    return {
        "dvc.yaml": dvc_yaml.replace("score.sh]", "score.sh, settings.txt]"),
        "score.sh": 'sh -c "$DURING"\n' + FILES["score.sh"],
        "settings.txt": "settings\n",
    }


def make_template(folder: Path) -> Path:
    """Run the pipeline, add data and commit."""
    project = Project.create(folder)
    for name, text in (FILES | guard_stages()).items():
        project.write(name, text)
    # As a process of its own: the guard locks the workspace until it ends.
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet"], cwd=folder, check=True)
    project.write("pictures/1.txt", "1\n")
    project.write("pictures/2.txt", "2\n")
    project.write("notes.md", "notes\n")
    with contextlib.redirect_stdout(None):
        project.dvc_add("labels.csv", "labels\n")
        project.dvc_add("pictures")
    project.commit()
    return folder
