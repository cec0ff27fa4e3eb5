"""Small DVC projects in temporary Git repositories, and steps that change them."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dvc.repo import Repo

RunCheck = Callable[..., dict[str, Any]]
Restore = Callable[[], list[str]]
Step = Callable[["Project"], object]

# Outputs that depend on the environment variable NOISE are not reproducible.
FILES = {
    "dvc.yaml": """\
stages:
  prepare:
    cmd: sh prepare.sh
    deps: [prepare.sh, raw.txt]
    outs: [data]
  score:
    cmd: sh score.sh
    deps: [data, score.sh]
    params: [level, numerics]
    outs: [report.txt]
    metrics: [metrics.json: {cache: false}]
""",
    "params.yaml": "level: 90\nnumerics: portable\n",
    "raw.txt": "raw\n",
    "prepare.sh": "mkdir -p data/deep; cp raw.txt data/a.txt; (cat raw.txt; echo $NOISE) > data/deep/b.txt\n",
    "score.sh": """\
level=$(sed -n 's/^level: //p' params.yaml)
grep -q native params.yaml && level=${level}5
echo "{\\"test\\": {\\"accuracy\\": 0.$level$NOISE}, \\"loss\\": 0.5}" > metrics.json
cat data/a.txt > report.txt
""",
}
RAW = FILES["raw.txt"]  # the content of data/a.txt and report.txt, too: one object in the cache


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
        """Run Git and return its stdout."""
        return subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True).stdout

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

    def add_submodule(self, url: str, path: str) -> None:
        """Add another repository as a submodule."""
        self.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, path)

    def remove_cache(self) -> None:
        """Remove DVC's cache and the outputs that are in it, as in a clone without pulled data."""
        shutil.rmtree(self.folder / ".dvc/cache")
        self.git("clean", "-Xdfq", "--exclude", "!.dvc")

    def make_shallow(self) -> None:
        """Replace the repository by a clone without history and without pulled data."""
        full = self.folder.rename(self.folder.with_name("full"))
        Project(full).git("clone", "--quiet", "--depth", "1", full.as_uri(), str(self.folder))
        os.chdir(self.folder)


def replace(name: str, old: str, new: str) -> Step:
    """Return a step that replaces a text in a file."""
    return lambda project: project.replace(name, old, new)


def delete(name: str) -> Step:
    """Return a step that deletes a file."""
    return lambda project: project.delete(name)


def write(name: str, text: str) -> Step:
    """Return a step that writes a file."""
    return lambda project: project.write(name, text)


def damage_file(path: Path, text: str = "bad\n") -> None:
    """Overwrite a file, even a read-only one, and restore its mode and modification time."""
    status = path.stat()
    assert path.read_bytes() != text.encode()
    path.chmod(0o644)
    path.write_text(text)
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def find_object(start: str) -> Path:
    """Return the only object in the cache whose content starts with `start`, except data/deep/b.txt."""
    files = [path for path in Path(".dvc/cache/files").rglob("*") if path.is_file()]
    (found,) = [path for path in files if path.read_text().startswith(start) and path.read_text() != f"{RAW}\n"]
    return found


def link_to_object(cached: Path, *copies: str) -> None:
    """Replace files in the workspace by hard links to an object, as DVC does with cache.type hardlink."""
    for copy in copies:
        Path(copy).unlink()
        os.link(cached, copy)
