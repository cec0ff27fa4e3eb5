"""The versions of the packages that a stage computes with.

versions.yaml has those that the pipeline is pinned to. It is a parameter file of DVC: an upgrade of a package reruns
the stages that list it in dvc.yaml.
"""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from runtime.errors import StageError
from runtime.pipeline import Stage
from runtime.yaml_file import read_yaml_mapping

VERSIONS_YAML = Path("versions.yaml")


def check_versions(stage: Stage) -> None:
    """Compare the installed packages with versions.yaml, without local version labels such as +cpu.

    Raises:
        StageError: one line for each package that is missing or has another version.
    """
    packages = stage.params.get(VERSIONS_YAML, [])
    pinned = read_yaml_mapping(VERSIONS_YAML) if packages else {}
    installed = {package: _find_version(package) for package in packages}
    errors = [
        f"{VERSIONS_YAML}: {package}: {pinned.get(package)} is required, {installed[package]} is installed; "
        "run pip install --requirement requirements.lock, or pin the other version in pyproject.toml and run make lock"
        for package in packages
        if installed[package] != str(pinned.get(package))
    ]
    if errors:
        raise StageError("\n".join(errors))


def _find_version(package: str) -> str:
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return "none"
