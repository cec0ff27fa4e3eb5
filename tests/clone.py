"""A clone of the project in a temporary folder, where dvc and make run as a user's would."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
RESULTS = ("dvc.lock", "metrics")  # what runs write, and Git has


class Clone:
    """A Git repository with the files of the working tree."""

    def __init__(self, folder: Path) -> None:
        """Use the repository in `folder`."""
        self.folder = folder
        self.environment = {
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "HOME": str(folder.parent / "home"),  # no settings of Git or DVC
            "GIT_CONFIG_NOSYSTEM": "1",
            "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
        }

    @classmethod
    def of_working_tree(cls, folder: Path) -> "Clone":
        """Create a repository with one commit: the files of the working tree, with parameters and results of HEAD."""
        for name in list_files("ls-files", "--cached", "--others", "--exclude-standard"):
            if Path(name).parts[0] not in RESULTS and not is_own_data(name) and (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        for name in list_files("ls-tree", "-r", "--name-only", "HEAD", *RESULTS):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(read_head(name))
        write_parameters(folder / "params.yaml")
        (folder / ".venv").symlink_to(sys.prefix)
        clone = cls(folder)
        clone.run("git", "init", "--quiet", "--initial-branch=main")
        clone.commit("Begin")
        return clone

    def copy(self, folder: Path) -> "Clone":
        """Copy the repository with its cache; links stay links, and so do other variables of the environment."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", self.folder, folder], check=True)
        copy = Clone(folder)
        copy.environment = self.environment | copy.environment
        return copy

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command without a terminal; with `check`, a failure of the command fails the test."""
        process = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and process.returncode:
            pytest.fail(f"{command} exited with {process.returncode}:\n{process.stdout}\n{process.stderr}")
        return process

    def make(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run make, which must not install again what is linked into the clone."""
        return self.run("make", "--assume-old=.venv/.installed", *arguments, check=check, **environment)

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start a command in a session of its own; standard output and standard error share one pipe."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def start_queue(self, *options: str) -> None:
        """Start workers of DVC's queue, without pipes, which they would keep open."""
        subprocess.run(
            ["dvc", "queue", "start", *options],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "--all")
        identity = ("-c", "user.name=Tester", "-c", "user.email=tester@localhost")
        self.run("git", *identity, "commit", "--quiet", "--allow-empty", "--message", message)

    def identify(self) -> None:
        """Configure the author that Git needs for experiments."""
        self.run("git", "config", "user.name", "Tester")
        self.run("git", "config", "user.email", "tester@localhost")

    def set_parameters(self, **changes: object) -> None:
        """Change keys of params.yaml."""
        update_parameters(self.folder / "params.yaml", changes)


def is_own_data(name: str) -> bool:
    """Tell whether a file is of the user's pictures, which tests do not have."""
    return Path(name).is_relative_to("data/images") and Path(name).name != "README.md"


def run_on_digits(folder: Path) -> Clone:
    """Create a clone where `make run` takes the digits, and commit that; make_run.txt beside it has the output."""
    clone = Clone.of_working_tree(folder)
    clone.set_parameters(dataset="mnist", image_size=0, channels=1, augment="none", hidden_sizes=[128, 64])
    clone.commit("Set parameters")
    (clone.folder / "CONTRIBUTING.md").write_text("An uncommitted edit.\n")  # needs an author, and Git has none
    closed = "http://127.0.0.1:9"
    run = clone.make("run", MNIST_MIRROR=str(folder.parent / "mnist"), http_proxy=closed, https_proxy=closed)
    (folder.parent / "make_run.txt").write_text(run.stdout + run.stderr)
    clone.identify()
    clone.commit("Run on the digits")
    return clone


def lighten(clone: Clone, run: Clone) -> None:
    """Replace the stages that import torch by stand-ins, which take a tenth of the time, and commit their outputs."""
    for stage in ("train", "evaluate", "export"):
        text = (ROOT / "tests/light_stage.py").read_text().replace('"RUN"', repr(str(run.folder)))
        (clone.folder / f"stages/{stage}.py").write_text(text)
    clone.run("dvc", "repro")
    clone.commit("Replace stages")


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def list_files(*arguments: str) -> list[str]:
    return list(filter(None, git(*arguments, "-z").split("\0")))


@cache
def read_head(name: str) -> str:
    """Read a file as it is committed, whatever an experiment left in the workspace."""
    return git("show", f"HEAD:{name}")


def write_parameters(path: Path) -> None:
    """Write the params.yaml of HEAD; if keys were added or removed since, that of the workspace with HEAD's values."""
    yaml = YAML(typ="safe")
    committed, current = (yaml.load(text) for text in (read_head("params.yaml"), (ROOT / "params.yaml").read_text()))
    if committed.keys() == current.keys():
        path.write_text(read_head("params.yaml"))
    else:
        shutil.copyfile(ROOT / "params.yaml", path)
        update_parameters(path, {key: value for key, value in committed.items() if key in current})


def update_parameters(path: Path, changes: dict[str, object]) -> None:
    """Change keys of a params.yaml; comments stay."""
    yaml = YAML()
    parameters = yaml.load(path)
    parameters.update(changes)
    yaml.dump(parameters, path)


def list_stages_run(output: str) -> list[str]:
    """List the stages that `dvc repro` or `dvc exp run` ran, in order, from what it printed."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage '")]
