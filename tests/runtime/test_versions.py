import importlib.metadata
from pathlib import Path

import pytest

from runtime.errors import StageError
from runtime.pipeline import Stage
from runtime.versions import VERSIONS_YAML, check_versions


def check(folder: Path, monkeypatch: pytest.MonkeyPatch, pinned: str, *packages: str) -> None:
    monkeypatch.chdir(folder)
    VERSIONS_YAML.write_text(pinned)
    check_versions(Stage("train", [], {VERSIONS_YAML: [*packages]} if packages else {}, is_final=False))


def test_accepts_pinned_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.versions.version", {"torch": "2.13.0+cpu", "numpy": "2.4.6"}.__getitem__)
    check(tmp_path, monkeypatch, 'torch: "2.13.0"\nnumpy: "2.4.6"\npandas: "1"', "torch", "numpy")


def test_stage_without_packages_needs_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(tmp_path, monkeypatch, "not a mapping")


@pytest.mark.parametrize(
    ("pinned", "installed"), [("1.0.1", "1.0.0"), ("1.0", "1.0.0"), ("1.0.0", None), (None, "1.0.0")]
)
def test_rejects_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pinned: str | None, installed: str | None
) -> None:
    def version(_: str) -> str:
        if installed is None:
            raise importlib.metadata.PackageNotFoundError
        return installed

    monkeypatch.setattr("runtime.versions.version", version)
    with pytest.raises(StageError) as error:
        check(tmp_path, monkeypatch, f'torch: "{pinned}"' if pinned else "numpy: 1", "torch")
    assert str(error.value) == (
        f"versions.yaml: torch: {pinned} is required, {installed or 'none'} is installed; "
        "run pip install --requirement requirements.lock, or pin the other version in pyproject.toml and run make lock"
    )
