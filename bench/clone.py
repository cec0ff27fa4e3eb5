"""A clone of the last commit, in which benchmarks run the same commands as a user."""

import os
import re
import sys
from pathlib import Path

from bench import runner

ROOT = Path(__file__).parent.parent


class Clone:
    """A Git clone. Its commands do not inherit Git or DVC settings or the number of threads."""

    def __init__(self, folder: Path) -> None:
        """Use the existing clone in `folder`; requires the environment variable MNIST_MIRROR."""
        self.folder = folder
        self.environment = {
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "HOME": str(folder.parent / "home"),
            "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "bench",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "bench@localhost",
            "MNIST_MIRROR": os.environ["MNIST_MIRROR"],
        }

    @classmethod
    def of_head(cls, folder: Path, **parameters: object) -> "Clone":
        """Clone HEAD without the DVC cache, set these keys of params.yaml, and commit.

        Raises:
            ValueError: params.yaml does not have exactly one line for a key.
        """
        clone = cls(folder)
        runner.run(["git", "clone", "--quiet", str(ROOT), str(folder)], ROOT, os.environ)
        path = folder / "params.yaml"
        text = path.read_text()
        for key, value in parameters.items():
            text, count = re.subn(rf"^{key}: .*$", f"{key}: {value}", text, flags=re.MULTILINE)
            if count != 1:
                raise ValueError(f"params.yaml: found {count} lines for {key}, expected 1")
        path.write_text(text)
        clone.commit()
        return clone

    def copy(self, name: str) -> "Clone":
        """Copy the clone, including its DVC cache, to a sibling folder; hard links and symbolic links are kept."""
        folder = self.folder.with_name(name)
        runner.run(["cp", "--archive", str(self.folder), str(folder)], ROOT, os.environ)
        return Clone(folder)

    def run(self, *command: str, **environment: str) -> runner.Run:
        """Run a command in the clone, with additional environment variables.

        Raises:
            CommandError: the exit status is not 0.
        """
        return runner.run(command, self.folder, self.environment | environment)

    def commit(self) -> None:
        """Commit all changes, so that DVC finds a clean working tree."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "Commit all changes")
