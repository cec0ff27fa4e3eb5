"""Run the pipeline of HEAD in a temporary Git clone, without changes to the project."""

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

from .project import CheckError

PARAMS_YAML = "params.yaml"
REPRO_COMMAND = ("repro", "--force", "--no-run-cache", "--all-pipelines")
STDERR = 2


@contextmanager
def clone_head(repo: Repo) -> Iterator[None]:
    """Clone HEAD into a temporary directory with an empty cache, and change to the project's root there.

    Raises:
        CheckError: `git clone` failed.
    """
    with TemporaryDirectory(prefix="reproduce-") as directory:
        clone = Path(directory, "clone")
        command = ["git", "clone", "--quiet", repo.scm.root_dir, str(clone)]
        git = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
        if git.returncode:
            raise CheckError(f"cannot clone {repo.scm.root_dir}: {git.stderr}")
        root = clone / repo.root_dir.lstrip("/")
        with Config(str(root / repo.DVC_DIR)).edit("local") as settings:
            settings["core"] = {"analytics": False, "site_cache_dir": str(Path(directory, "site"))}
            settings["cache"] = {"dir": str(Path(directory, "cache"))}
        with chdir(root):
            yield


def pull_source_data(cache: str) -> None:
    """Pull data that no stage writes, such as files of `dvc add`, from the cache directory of another project."""
    with Repo(config={"remote": {"original": {"url": cache, "verify": True}}}) as repo:
        sources = [stage for stage in repo.index.stages if stage.frozen or not stage.cmd]
        paths = [out.fs_path for stage in sources for out in stage.outs]
        if paths:
            repo.pull(paths, remote="original")


def set_parameters(changes: Sequence[str]) -> None:
    """Set keys of params.yaml, each given as `key=value`.

    Raises:
        CheckError: The key does not exist, or the text is not `key=value`.
    """
    for change in changes:
        try:
            apply_overrides(PARAMS_YAML, [change])
        except InvalidArgumentError:
            raise CheckError(f"--set {change}: must be KEY=VALUE with an existing key of {PARAMS_YAML}") from None


def run_pipeline() -> None:
    """Run all stages with `dvc repro` and the current Python. Their stdout is redirected to stderr.

    Raises:
        CheckError: `dvc repro` failed.
    """
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    command = [sys.executable, "-m", "dvc", *REPRO_COMMAND]
    environment = os.environ | {"PATH": path}
    dvc = subprocess.run(  # noqa: S603 - no shell
        command, env=environment, stdin=subprocess.DEVNULL, stdout=STDERR, check=False
    )
    if dvc.returncode:
        raise CheckError(f"dvc {' '.join(REPRO_COMMAND)} exited with {dvc.returncode} in a clone of HEAD")
