from pathlib import Path

import pytest

from dvc_guard.errors import GuardError
from dvc_guard.run.pipeline import Stage
from dvc_guard.run.versions import _list_installed, check_versions


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a folder as the only one with installed packages."""
    for name in ("torch-2.13.0+cpu.dist-info", "scikit_learn-1.9.1.dist-info", "old-1.0.egg-info"):
        (tmp_path / "packages" / name).mkdir(parents=True)
    (tmp_path / "packages/old-1.0.egg-info/PKG-INFO").write_text("Name: old\nVersion: 1.0\n")
    monkeypatch.setattr("sys.path", [str(tmp_path / "packages"), str(tmp_path / "missing")])
    monkeypatch.setattr("dvc_guard.run.versions._list_installed", _list_installed.__wrapped__)
    return tmp_path


def check(folder: Path, pinned: str, *packages: str) -> None:
    (folder / "versions.yaml").write_text(pinned)
    check_versions(Stage(folder, [], {"params.yaml": ["lr"], "versions.yaml": [*packages]}, []))


def test_accepts_pinned_versions(installed: Path) -> None:
    check(installed, 'torch: "2.13.0"\nScikit.Learn: "1.9.1"\nold: "1.0"\nunused: "1"', "torch", "Scikit.Learn", "old")


@pytest.mark.parametrize(
    ("pinned", "package", "required", "found"),
    [
        ('torch: "2.13"', "torch", "2.13", "2.13.0"),
        ("scikit-learn: 1.9", "scikit-learn", "1.9", "1.9.1"),
        ("torch: 1", "numpy", "None", "none"),
    ],
)
def test_rejects_another_version(installed: Path, pinned: str, package: str, required: str, found: str) -> None:
    with pytest.raises(GuardError) as error:
        check(installed, pinned, package)
    assert str(error.value) == (
        f"versions.yaml: {package}: {required} is required, {found} is installed; "
        "install the required version, or pin the other one in versions.yaml"
    )


def test_compares_all_packages_of_a_file_without_keys(installed: Path) -> None:
    with pytest.raises(GuardError, match=r"^versions.yaml: old: 2 is required, 1.0 is installed; "):
        check(installed, 'torch: "2.13.0"\nold: 2')
