"""A clone of HEAD, where its pipeline runs without touching the project."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dvc.config import Config
from dvc.exceptions import InvalidArgumentError
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides

from checks.project import CannotTellError

PARAMS_YAML = "params.yaml"
REPRODUCE = ("repro", "--force", "--no-run-cache", "--all-pipelines")
STDERR = 2


@contextmanager
def in_clone_of(repo: Repo) -> Iterator[None]:
    """Clone HEAD into a temporary folder, with a cache of its own, and change into the project's root there."""
    with TemporaryDirectory(prefix="reproduce-") as folder:
        clone = Path(folder, "clone")
        command = ["git", "clone", "--quiet", repo.scm.root_dir, str(clone)]
        git = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
        if git.returncode:
            raise CannotTellError(f"git cannot clone {repo.scm.root_dir}: {git.stderr}")
        root = clone / repo.root_dir.lstrip("/")
        with Config(str(root / repo.DVC_DIR)).edit("local") as settings:
            settings["core"] = {"analytics": False, "site_cache_dir": str(Path(folder, "site"))}
            settings["cache"] = {"dir": str(Path(folder, "cache"))}
        with chdir(root):
            yield


def bring_data(cache: str) -> None:
    """Copy what no stage will make, such as files of `dvc add`, from another cache."""
    with Repo(config={"remote": {"original": {"url": cache, "verify": True}}}) as repo:
        kept = [stage for stage in repo.index.stages if stage.frozen or not stage.cmd]
        paths = [out.fs_path for stage in kept for out in stage.outs]
        if paths:
            repo.pull(paths, remote="original")


def set_parameters(changes: Sequence[str]) -> None:
    """Change keys of params.yaml, each change as `key=value`."""
    for change in changes:
        try:
            apply_overrides(PARAMS_YAML, [change])
        except InvalidArgumentError:
            raise CannotTellError(f"--set {change}: no such key in {PARAMS_YAML}, or not KEY=VALUE") from None


def run_pipeline() -> None:
    """Run all stages, with the Python that runs this. What they print goes to standard error."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    command = [sys.executable, "-m", "dvc", *REPRODUCE]
    environment = os.environ | {"PATH": path}
    dvc = subprocess.run(  # noqa: S603 - no shell
        command, env=environment, stdin=subprocess.DEVNULL, stdout=STDERR, check=False
    )
    if dvc.returncode:
        raise CannotTellError(f"dvc {' '.join(REPRODUCE)} exited with {dvc.returncode} in a clone of HEAD")
