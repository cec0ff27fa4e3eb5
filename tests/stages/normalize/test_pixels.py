import numpy as np
import pytest

from stages.download.torchvision_datasets import declare_missing_operators
from stages.normalize.pixels import normalize


@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (0.1307, 0.3081)])
def test_equals_torchvision(mean: float, std: float) -> None:
    declare_missing_operators()
    from torchvision import transforms

    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    images[0, 0, :2] = 0, 255
    to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize((mean,), (std,))])
    expected = np.concatenate([to_tensor(image).numpy() for image in images])
    normalized = normalize(images, mean, std)
    np.testing.assert_array_equal(normalized, expected, strict=True)


def test_range_of_defaults() -> None:
    normalized = normalize(np.array([[[0, 255]]], dtype=np.uint8), mean=0.5, std=0.5)
    assert (normalized.min(), normalized.max()) == (-1, 1)


@pytest.mark.parametrize("mean", [-1e6, 1e6])
@pytest.mark.parametrize("std", [1e-6, 1e6])
def test_does_not_overflow(mean: float, std: float) -> None:
    images = np.array([[[0, 255]]], dtype=np.uint8)
    assert np.isfinite(normalize(images, mean, std)).all()
