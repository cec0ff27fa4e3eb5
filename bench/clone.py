"""A clone of the last commit, where commands run as a user's would who has just cloned it."""

import os
import re
import sys
from pathlib import Path

from bench import measure

ROOT = Path(__file__).parent.parent


class Clone:
    """A clone in a folder of its own. Its commands inherit no settings of Git, of DVC, or of the number of threads."""

    def __init__(self, folder: Path) -> None:
        """Take the clone in `folder` as it is."""
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
        """Clone the last commit, without any data, and commit these changes to its params.yaml."""
        clone = cls(folder)
        measure.run(["git", "clone", "--quiet", str(ROOT), str(folder)], ROOT, os.environ)
        path = folder / "params.yaml"
        text = path.read_text()
        for key, value in parameters.items():
            text, changed = re.subn(rf"^{key}: .*$", f"{key}: {value}", text, flags=re.MULTILINE)
            if changed != 1:
                raise ValueError(f"params.yaml has {changed} lines for {key}")
        path.write_text(text)
        clone.commit()
        return clone

    def copy(self, name: str) -> "Clone":
        """Copy the clone with all that it has, its cache and the links to that, to a folder beside it."""
        folder = self.folder.with_name(name)
        measure.run(["cp", "--archive", str(self.folder), str(folder)], ROOT, os.environ)
        return Clone(folder)

    def run(self, *command: str, **environment: str) -> measure.Run:
        """Run a command in this folder."""
        return measure.run(command, self.folder, self.environment | environment)

    def commit(self) -> None:
        """Commit everything, so that DVC finds a clean tree."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "Settings")
