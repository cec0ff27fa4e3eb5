import numpy as np

from bench.generate import generate


def test_generate() -> None:
    images, labels = generate(50, np.random.default_rng(0))
    assert images.shape == (50, 28, 28)
    assert images.dtype == np.float32
    assert -1 <= images.min() < -0.9
    assert 0.9 < images.max() <= 1
    np.testing.assert_array_equal(images.mean(axis=2).argmax(axis=1), 2 * labels)
