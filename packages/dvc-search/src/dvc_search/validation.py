"""Run the project's own validation of parameters on each value that a search can choose, before it starts."""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ruamel.yaml import YAML

from dvc_search.configuration import Configuration
from dvc_search.errors import SearchError
from dvc_search.git import git
from dvc_search.process import find_error
from dvc_search.repository import Source


def validate_values(configuration: Configuration, source: Source) -> None:
    """Run the command `validate` of search.yaml in a clone, with each value of a list and both ends of a range.

    One value changes at a time, so that it can be named; combinations are left to the trials.

    Raises:
        SearchError: one line for each value that is refused.
    """
    if not configuration.validate:
        return
    with tempfile.TemporaryDirectory(prefix="search-") as temporary:
        git(Path(), "clone", "--quiet", "--shared", git(Path(), "rev-parse", "--show-toplevel"), f"{temporary}/clone")
        clone = Path(temporary, "clone")
        git(clone, "checkout", "--quiet", "--detach", source.commit)
        try:
            errors = list(_find_refused(configuration, clone / source.project))
        except OSError as error:
            raise SearchError(f"{configuration.path}: validate: {error.filename}: {error.strerror}") from None
    if errors:
        raise SearchError("\n".join(f"{configuration.path}: {error}" for error in errors))


def _find_refused(configuration: Configuration, folder: Path) -> Iterator[str]:
    if error := _run(configuration.validate, folder, configuration.fixed):
        yield f"space: the values without a list or range: {error}"
        return
    for key, values in configuration.repeat.items():
        for value in values:
            if error := _run(configuration.validate, folder, configuration.fixed | {key: value}):
                yield f"repeat: {key}: {value!r} is refused: {error}"
    for parameter in configuration.space:
        for value in parameter.values if parameter.distribution or parameter.when else ():
            changes = configuration.fixed | dict(parameter.when) | {parameter.key: value}
            if error := _run(configuration.validate, folder, changes):
                yield f"space: {parameter.key}: {value!r} is refused: {error}"


def _run(command: str, folder: Path, changes: Mapping[str, object]) -> str | None:
    """Run a command with changed parameters; return its error."""
    path = folder / "params.yaml"
    original = path.read_bytes()
    yaml = YAML()
    parameters = yaml.load(original)
    for key, value in changes.items():
        *parents, last = key.split(".")
        mapping = parameters
        for parent in parents:
            mapping = mapping[parent]
        mapping[last] = value
    try:
        yaml.dump(parameters, path)
        process = subprocess.run(  # noqa: S603 - no shell
            shlex.split(command),
            cwd=folder,
            env=os.environ | {"PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_bytes(original)
    return find_error(process.stdout + process.stderr) if process.returncode else None
