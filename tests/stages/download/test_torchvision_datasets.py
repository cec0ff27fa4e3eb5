from pathlib import Path

import pytest
import torch

from stages.download import torchvision_datasets
from tests.stages.download.conftest import Files, SetMirrors
from tests.stages.download.mirror import Mirror


def test_unpacks_archives(tmp_path: Path, set_mirrors: SetMirrors, good: Mirror, contents: Files) -> None:
    set_mirrors(good.url)
    folder = tmp_path / "unpacked"
    torchvision_datasets.download("kmnist", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents


def test_declares_no_existing_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    find_dataset = torchvision_datasets.find_dataset
    assert issubclass(find_dataset("fashion_mnist"), find_dataset("mnist"))
    declared: list[str] = []
    monkeypatch.setattr(torch.library, "define", lambda name, _: declared.append(name))
    torchvision_datasets.declare_missing_operators()
    assert declared == []
