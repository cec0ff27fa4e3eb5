"""Fixture: a small data set, as torchvision wants it and as our training does."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.generate import generate
from stages.normalize.__main__ import normalize
from stages.shared import idx
from stages.shared.split import Split, write_split

IMAGES = 200


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write the same images as torchvision wants them and as our training does."""
    torch.set_num_threads(1)  # two beside other tests would mostly wait for each other
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    for files, name, seed in ((idx.TRAIN, "train", 0), (idx.TEST, "test", 1)):
        images, labels = generate(IMAGES, np.random.default_rng(seed))
        pixels = np.round((images + 1) * 127.5).astype(np.uint8)
        idx.write_idx(raw / files.images, pixels)
        idx.write_idx(raw / files.labels, labels.astype(np.uint8))
        write_split(tmp_path / f"{name}.safetensors", Split(normalize(pixels, 0.5, 0.5), labels))
    return tmp_path
