"""Fixtures: a small data set, and benchmarks that run nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import results
from bench.comparison import Row, compare
from bench.generate import generate
from stages.normalize.pixels import normalize
from stages.shared import idx
from stages.shared.split import Split, write_split

IMAGES = 200

Benchmarks = dict[str, Callable[[Path], list[Row]]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write 200 images per split twice: as IDX files for torchvision, and as splits for our training loop."""
    torch.set_num_threads(1)  # tests run in parallel, so more threads would only compete for the cores
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    for files, name, seed in ((idx.TRAIN, "train", 0), (idx.TEST, "test", 1)):
        images, labels = generate(IMAGES, np.random.default_rng(seed))
        pixels = np.round((images + 1) * 127.5).astype(np.uint8)
        idx.write_idx(raw / files.images, pixels)
        idx.write_idx(raw / files.labels, labels.astype(np.uint8))
        write_split(tmp_path / f"{name}.safetensors", Split(normalize(pixels, 0.5, 0.5), labels))
    return tmp_path


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Benchmarks:
    """Replace the benchmarks by "one" and "two", with one row each; write RESULTS.md to `tmp_path`."""
    fakes: Benchmarks = {
        "one": lambda _folder: [compare("one", [1], [2], "s")],
        "two": lambda _folder: [compare("two", [1], [2], "s")],
    }
    monkeypatch.setattr(results, "BENCHMARKS", fakes)
    monkeypatch.setattr(results, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr("bench.machine.describe", lambda: "a machine")
    return fakes
