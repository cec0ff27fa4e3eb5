from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from stages.download.digits import write_digits
from stages.shared import idx


def test_writes_all_digits(tmp_path: Path) -> None:
    write_digits(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*idx.TRAIN, *idx.TEST}
    train_images, train_labels = idx.read_images_and_labels(tmp_path, idx.TRAIN)
    test_images, test_labels = idx.read_images_and_labels(tmp_path, idx.TEST)
    assert (len(train_images), len(test_images)) == (1500, 297)
    labels = np.concatenate([train_labels, test_labels])
    expected_counts = np.bincount(labels) * (297 / 1797)
    assert np.abs(np.bincount(test_labels) - expected_counts).max() < 1, "not stratified"

    images = np.concatenate([train_images, test_images])
    inner = images[:, 2:26, 2:26]
    assert np.pad(inner, ((0, 0), (2, 2), (2, 2))).tolist() == images.tolist(), "the margin is not black"
    assert (inner == inner[:, ::3, ::3].repeat(3, axis=1).repeat(3, axis=2)).all()
    assert (images.min(), images.max()) == (0, 255)
    digits = load_digits()
    expected = sorted(zip(digits.target, digits.data.astype(int).tolist(), strict=True))
    values = np.round(inner[:, ::3, ::3].reshape(-1, 64) * (16 / 255)).astype(int)
    assert sorted(zip(labels, values.tolist(), strict=True)) == expected
