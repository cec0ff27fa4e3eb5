"""Compare the Python and the packages of a worker with those of the search."""

import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ruamel.yaml import YAML

VERSIONS_YAML = Path("versions.yaml")
ALWAYS_REQUIRED = ("dvc", "distributed")


def list_requirements() -> dict[str, str]:
    """Return the versions that a worker must have: Python, the engine and DVC, and what versions.yaml lists."""
    pinned = YAML(typ="safe", pure=True).load(VERSIONS_YAML) if VERSIONS_YAML.exists() else {}
    required = {"Python": _find_version("Python")} | {name: _find_version(name) for name in ALWAYS_REQUIRED}
    return required | {str(name): str(value) for name, value in pinned.items()}


def list_differences(required: Mapping[str, str]) -> list[str]:
    """Describe each version that differs on this machine, without local version labels such as +cpu."""
    installed = {name: _find_version(name) for name in required}
    return [
        f"{name} {installed[name]} instead of {value}"
        for name, value in required.items()
        if installed[name] != value.partition("+")[0]
    ]


def _find_version(name: str) -> str:
    if name == "Python":
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return "none"
