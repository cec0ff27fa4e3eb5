"""Compare the Python and the packages of a worker with those of the search."""

import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dvc_search.yaml_file import read_yaml

VERSIONS_YAML = Path("versions.yaml")
ALWAYS_REQUIRED = ("Python", "dvc-search", "dvc", "distributed")


def list_requirements() -> dict[str, str]:
    """Return the versions that a worker must have: ALWAYS_REQUIRED, and those in versions.yaml if it exists."""
    pinned = read_yaml(VERSIONS_YAML) if VERSIONS_YAML.exists() else {}
    return find_versions(*ALWAYS_REQUIRED) | {str(name): str(value) for name, value in pinned.items()}


def find_versions(*names: str) -> dict[str, str]:
    """Return the versions of packages on this machine, without local version labels such as +cpu."""
    return {name: _find_version(name) for name in names}


def list_differences(required: Mapping[str, str]) -> list[str]:
    """Describe each version that differs on this machine, without local version labels."""
    return [
        f"{name} {installed} instead of {required[name]}"
        for name, installed in find_versions(*required).items()
        if installed != required[name].partition("+")[0]
    ]


def _find_version(name: str) -> str:
    if name == "Python":
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return "none"
