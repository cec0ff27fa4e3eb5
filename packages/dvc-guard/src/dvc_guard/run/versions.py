"""The versions of the packages that a stage computes with.

A file named versions.yaml, among the parameters of a stage, has those that the project is pinned to. DVC reruns the
stages that list a package, or the whole file, if its version there changes; the guard compares them with what is
installed beside it.
"""

import os
import re
import sys
from functools import cache
from pathlib import Path

from dvc_guard.errors import GuardError
from dvc_guard.run.pipeline import Stage, shown
from dvc_guard.yaml_file import read_yaml_mapping

VERSIONS_YAML = "versions.yaml"


def check_versions(stage: Stage) -> None:
    """Compare the installed packages with versions.yaml, without local version labels such as +cpu.

    Raises:
        GuardError: one line for each package that is missing or has another version.
    """
    for file, packages in stage.params.items():
        if Path(file).name != VERSIONS_YAML:
            continue
        pinned = read_yaml_mapping(shown(stage.locate(file)))
        installed = {package: _find_version(package) for package in packages or pinned}
        errors = [
            f"{file}: {package}: {pinned.get(package)} is required, {version} is installed; "
            f"install the required version, or pin the other one in {file}"
            for package, version in installed.items()
            if version != str(pinned.get(package))
        ]
        if errors:
            raise GuardError("\n".join(errors))


def _find_version(package: str) -> str:
    name = re.sub(r"[-_.]+", "_", package).lower()
    version = _list_installed().get(name) or _find_other(package)
    return version.partition("+")[0]


@cache
def _list_installed() -> dict[str, str]:
    """List what is installed, by the names of its folders: importlib.metadata takes a quarter of a stage's budget."""
    versions: dict[str, str] = {}
    for folder in filter(os.path.isdir, sys.path):
        for entry in os.scandir(folder):
            if entry.name.endswith(".dist-info"):
                name, _, version = entry.name.removesuffix(".dist-info").partition("-")
                versions.setdefault(re.sub(r"[-_.]+", "_", name).lower(), version)
    return versions


def _find_other(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
