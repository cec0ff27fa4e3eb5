"""Clones of HEAD in a temporary folder, in which dvc runs without changes to the project."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from configobj import ConfigObj
from dvc.config import Config

from dvc_guard.git import git

STDERR = 2


@contextmanager
def clone_head(project: Path, cache: Path | None = None) -> Iterator[Path]:
    """Clone HEAD, with the DVC cache `cache` or an empty one; yield the root of the DVC project in the clone.

    Raises:
        GuardError: `git clone` failed.
    """
    with TemporaryDirectory(prefix="dvc-guard-") as temporary:
        folder = Path(temporary)
        repository = git("rev-parse", "--show-toplevel", cwd=project)
        git("clone", "--quiet", repository, str(folder / "clone"))
        clone_submodules(Path(repository), folder / "clone")
        root = folder / "clone" / git("rev-parse", "--show-prefix", cwd=project)
        own = Config(str(project.absolute() / ".dvc"), validate=False)  # with config.local; paths are absolute
        local = ConfigObj(encoding="UTF-8")  # DVC would write only ASCII
        for name, remote in own.get("remote", {}).items():
            local[f'remote "{name}"'] = {key: str(value) for key, value in remote.items()}
        local["core"] = {"analytics": "false", "site_cache_dir": str(folder / "site")}
        if "remote" in own["core"]:
            local["core"]["remote"] = own["core"]["remote"]
        local["cache"] = {"dir": str(cache or folder / "cache")}
        (root / ".dvc/config.local").write_bytes(b"\n".join(local.write()))
        yield root


def clone_submodules(source: Path, clone: Path) -> None:
    """Clone the submodules that are checked out in `source`, at their commits of the clone's HEAD."""
    for entry in git("ls-tree", "-r", "-z", "--full-tree", "HEAD", cwd=clone).split("\0"):
        kind, _, path = entry.partition("\t")
        if kind.startswith("160000") and (source / path / ".git").exists():
            git("clone", "--quiet", "--no-checkout", str(source / path), str(clone / path))
            git("checkout", "--quiet", kind.rpartition(" ")[2], cwd=clone / path)
            clone_submodules(source / path, clone / path)


def run_dvc(folder: Path, *arguments: str) -> int:
    """Run dvc with the current Python in a folder and return its exit status. Its standard output goes to stderr."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(  # noqa: S603 - no shell
        command, cwd=folder, env=os.environ | {"PATH": path}, stdin=subprocess.DEVNULL, stdout=STDERR, check=False
    ).returncode
