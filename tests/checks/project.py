"""Create and change DVC projects in temporary Git repositories."""

import contextlib
import os
import subprocess
from pathlib import Path

from dvc.repo import Repo


class Project:
    """A DVC project in a Git repository."""

    def __init__(self, folder: Path) -> None:
        """Use the existing project in `folder`."""
        self.folder = folder

    @classmethod
    def create(cls, repository: Path, subdirectory: str = "") -> "Project":
        """Create a Git repository, and in it or in a subdirectory a DVC project without stages."""
        project = cls(repository / subdirectory)
        project.folder.mkdir(parents=True)
        cls(repository).git("init", "--quiet", "--initial-branch=main")
        Repo.init(str(project.folder), subdir=bool(subdirectory)).close()
        return project

    def run_and_commit(self, files: dict[str, str]) -> None:
        """Write files, run `dvc repro` and commit everything."""
        for name, text in files.items():
            self.write(name, text)
        self.repro()
        self.commit()

    def write(self, name: str, text: str) -> None:
        """Write a file, and create its parent directories."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file. Fails if the file does not contain it."""
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def delete(self, name: str) -> None:
        """Delete a file of the workspace."""
        (self.folder / name).unlink()

    def git(self, *arguments: str) -> str:
        """Run Git with a user name and return its stdout."""
        identity = ("-c", "user.name=Tester", "-c", "user.email=tester@localhost")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout

    def commit(self) -> None:
        """Commit all files that are not in .gitignore."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")

    def repro(self) -> list[str]:
        """Run `dvc repro` and return the names of the stages that ran."""
        with contextlib.chdir(self.folder), Repo() as repo:
            return [stage.name for stage in repo.reproduce(all_pipelines=True)]

    def dvc_add(self, name: str, text: str = "") -> None:
        """Run `dvc add` on a file or folder, after `text`, if any, was written to the file."""
        if text:
            (self.folder / name).unlink(missing_ok=True)  # it may be a link to a read-only object of the cache
            self.write(name, text)
        with contextlib.chdir(self.folder), Repo() as repo:
            repo.add(name)


def damage_file(path: Path, text: str = "bad\n") -> None:
    """Overwrite a file, even a read-only one, and restore its mode and modification time."""
    status = path.stat()
    assert path.read_bytes() != text.encode()
    path.chmod(0o644)
    path.write_text(text)
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
