"""A small DVC project of shell scripts, to be checked and broken."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from checks.__main__ import main

# DVC uses what its dependency pygtrie is going to take away.
DVC_WARNS = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")

TINY = {
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
    # NOISE is what a pipeline must not depend on.
    "prepare.sh": "mkdir -p data/deep; cp raw.txt data/a.txt; (cat raw.txt; echo $NOISE) > data/deep/b.txt\n",
    "score.sh": """\
level=$(sed -n 's/^level: //p' params.yaml)
grep -q native params.yaml && level=${level}5
echo "{\\"test\\": {\\"accuracy\\": 0.$level$NOISE}, \\"loss\\": 0.5}" > metrics.json
cat data/a.txt > report.txt
""",
}

# What else dvc.yaml can say.
EVERYTHING = {
    ".dvcignore": "*.ignored\n",
    "settings/a.toml": "[model]\nsize = 3\n",
    "settings/a.py": "sizes = (1, 2)\n",
    "code/one.py": "1\n",
    "code/deep/two.py": "2\n",
    "code/three.ignored": "3\n",
    "mixed/git.txt": "git\n",
    "params.yaml": "names: [x, y]\nmodel: {size: 3, kind: small}\n",
    "dvc.yaml": """\
vars: [folder: made]
stages:
  first:
    cmd: mkdir -p ${folder}/deep && cp raw.csv ${folder}/deep/x.txt && echo 'size 4' > ${folder}/y.txt
    deps: [raw.csv, code]
    params: [model]
    outs: ["${folder}"]
  inner:
    cmd: cp raw.csv mixed/made.txt
    deps: [made/deep, made/y.txt]
    outs: [mixed/made.txt]
  whole:
    cmd: mkdir whole && cp mixed/git.txt whole
    deps: [mixed, out]
    outs: [whole]
  each:
    foreach: ${names}
    do:
      cmd: mkdir -p out && echo ${item} ${model.size} > out/${item}.txt
      deps: [mixed/git.txt]
      outs: ["out/${item}.txt": {persist: true}]
  grid:
    matrix: {a: [1, 2], b: [3]}
    cmd: echo ${item.a} ${item.b} > grid${item.a}.txt
    params: [settings/a.toml: null, settings/a.py: [sizes]]
    outs: ["grid${item.a}.txt": {cache: false}]
  kept:
    cmd: cp raw.csv kept.txt
    deps: [raw.csv]
    outs: [kept.txt]
    frozen: false
  values:
    cmd: "echo 'size: 4' > values.yaml"
    deps: [raw.csv]
    outs: [values.yaml]
  takes:
    cmd: cp values.yaml taken.yaml
    params: [values.yaml: [size]]
    outs: [taken.yaml]
  outside:
    cmd: cat ../outside.txt > brought.txt
    deps: [../outside.txt, /bin/sh]
    outs: [brought.txt]
""",
    "lower/dvc.yaml": """\
stages:
  below:
    wdir: ../code
    cmd: cp one.py ../lower/copy.py
    deps: [one.py]
    outs: [../lower/copy.py]
""",
}


class Project:
    """A DVC project in a Git repository."""

    def __init__(self, folder: Path) -> None:
        """Take the project in `folder`."""
        self.folder = folder

    @classmethod
    def create(cls, repository: Path, subfolder: str = "") -> "Project":
        """Make a Git repository, and a project without stages in it."""
        project = cls(repository / subfolder)
        project.folder.mkdir(parents=True)
        cls(repository).git("init", "--quiet", "--initial-branch=main")
        Repo.init(str(project.folder), subdir=bool(subfolder)).close()
        return project

    def fill(self, files: dict[str, str]) -> None:
        """Write files, run the pipeline they make, and commit what it gives."""
        for name, text in files.items():
            self.write(name, text)
        self.reproduce()
        self.commit()

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands in a file."""
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def delete(self, name: str) -> None:
        """Delete a file."""
        (self.folder / name).unlink()

    def git(self, *arguments: str) -> str:
        """Run Git, with an identity of its own."""
        identity = ("-c", "user.name=Tester", "-c", "user.email=tester@localhost")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")

    def reproduce(self, **options: Any) -> list[str]:
        """Run `dvc repro`. Returns the names of the stages that ran."""
        with contextlib.chdir(self.folder), Repo() as repo:
            return [stage.name for stage in repo.reproduce(all_pipelines=True, **options)]

    def add(self, name: str, text: str) -> None:
        """Write a file and run `dvc add` on it."""
        self.write(name, text)
        with contextlib.chdir(self.folder), Repo() as repo:
            repo.add(name)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make projects once, to be copied."""
    folder = tmp_path_factory.mktemp("templates")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder)
        Project.create(folder / "tiny").fill(TINY)
        (folder / "outside.txt").write_text("outside\n")
        everything = Project.create(folder / "everything")
        everything.add("raw.csv", "raw\n")
        everything.fill(EVERYTHING)
        everything.replace("dvc.yaml", "frozen: false", "frozen: true")
        everything.commit()
    return folder


def isolate(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keep settings of this machine's user, and an identity for Git, from what runs."""
    patch.setenv("HOME", str(folder))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("GIT_CEILING_DIRECTORIES", str(folder))
    patch.setenv("DVC_SITE_CACHE_DIR", str(folder / "site"))
    for name in ("NOISE", "GITHUB_STEP_SUMMARY", "XDG_CONFIG_HOME"):
        patch.delenv(name, raising=False)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change into an empty folder."""
    isolate(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny(templates: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Change into a project of two stages, run and committed."""
    return copy(templates / "tiny", empty / "a project", monkeypatch)


@pytest.fixture
def everything(templates: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Change into a project with all that dvc.yaml can say, run and committed."""
    shutil.copy(templates / "outside.txt", empty)
    return copy(templates / "everything", empty / "a project", monkeypatch)


def copy(template: Path, folder: Path, patch: pytest.MonkeyPatch) -> Project:
    """Copy a project and change into it."""
    shutil.copytree(template, folder)
    patch.chdir(folder)
    return Project(folder)


Answer = dict[str, Any]
Ask = Callable[..., Answer]


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str]) -> Ask:
    """Return a function that runs `python -m checks`, and gives what it says as JSON."""

    def run(*arguments: str) -> Answer:
        capfd.readouterr()
        status = main([*arguments, "--json"])
        answer: Answer = json.loads(capfd.readouterr().out)
        assert answer["status"] == status
        return answer

    return run


def damage(path: Path, text: str = "bad\n") -> None:
    """Write another content of the same length into a file, and leave no other trace of it."""
    status = path.stat()
    assert path.read_bytes() != text.encode()
    path.chmod(0o644)
    path.write_text(text)
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
