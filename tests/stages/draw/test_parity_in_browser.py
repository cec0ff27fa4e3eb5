"""The page against PyTorch and `python -m predict`: the same pixels, the same probabilities."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from predict.preparation import fit
from stages.normalize import normalize
from tests.chromium import Tab
from tests.conftest import needs_mnist
from tests.stages.draw.conftest import Mnist, OpenPage, encode
from tests.stages.draw.replay import predict, replay
from tests.stages.draw.strokes import DIGITS, Style, draw
from tests.stages.networks import make_classifier, make_images, make_network, run_network

STYLES = {
    "large": Style(height=0.9),
    "small": Style(height=0.3, pen=28),
    "off center": Style(height=0.4, x=0.25, y=0.75),
    "thick": Style(height=0.7, pen=68),
    "thin": Style(height=0.8, pen=28),
}


def fit_in_page(tab: Tab, ink: NDArray[np.float32], size: int, center: str) -> NDArray[np.int64]:
    height, width = ink.shape
    shape = f"width: {width}, height: {height}"
    image = tab.evaluate(
        f'[...fit({{ values: decodeFloats("{encode(ink.tobytes())}"), {shape} }}, {size}, "{center}")]'
    )
    return np.array(image).reshape(28, 28)


def draw_ink(width: int, height: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw a line from edge to edge, and gray strokes."""
    ink = Image.new("F", (width, height))
    painter = ImageDraw.Draw(ink)
    painter.line([(0, 0), (width - 1, height // 2)], fill=255, width=max(1, width // 10))
    for _ in range(3):
        points = [(int(x * width), int(y * height)) for x, y in generator.uniform(0.1, 0.9, (4, 2))]
        painter.line(points, fill=float(generator.uniform(40, 255)), width=max(1, width // 12))
    return np.asarray(ink)


@pytest.mark.parametrize("hidden_sizes", [(), (16,), (128, 64)], ids=str)
@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (0.1307, 0.3081)])
def test_probabilities_agree_with_torch(
    open_page: OpenPage, hidden_sizes: tuple[int, ...], mean: float, std: float
) -> None:
    network, images = make_network(*hidden_sizes), make_images(100)
    probabilities = predict(open_page(make_classifier(network, mean=mean, std=std)), images)
    expected = run_network(network, normalize(images, mean, std)).probabilities
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("width", "height"), [(560, 560), (300, 41), (37, 90), (28, 28), (20, 20), (5, 3), (1, 1)])
def test_preparation_agrees_with_predict(tab: Tab, width: int, height: int) -> None:
    generator = np.random.default_rng(width)
    for size, center in ((20, "mass"), (28, "box"), (24, "box")):
        ink = draw_ink(width, height, generator)
        expected = fit(ink, size, center).astype(int)
        assert abs(fit_in_page(tab, ink, size, center) - expected).max() <= 1


@pytest.mark.parametrize("rotation", range(4))
def test_preparation_keeps_all_ink_in_the_image(tab: Tab, rotation: int) -> None:
    ink = np.zeros((60, 60), np.float32)
    ink[:, 30] = 60  # a faint line ...
    ink[:9, 20:40] = 255  # ... and most of the ink at its end
    ink = np.rot90(ink, rotation).copy()
    assert abs(fit_in_page(tab, ink, 20, "mass") - fit(ink, 20, "mass").astype(int)).max() <= 1


def test_preparation_without_ink(tab: Tab) -> None:
    faint = "{ values: new Float32Array(10000).fill(0.1, 5000, 5001), width: 100, height: 100 }"
    empty = "{ values: new Float32Array(4), width: 2, height: 2 }"
    for ink, center in product((faint, empty), ("mass", "box")):
        assert tab.evaluate(f'fit({ink}, 20, "{center}")') is None


@needs_mnist
def test_test_images_agree_with_torch(open_page: OpenPage, mnist: Mnist) -> None:
    probabilities = predict(open_page(make_classifier(mnist.network)), mnist.images)
    expected = run_network(mnist.network, normalize(mnist.images, 0.5, 0.5)).probabilities
    assert probabilities.shape == (10_000, 10)
    assert (probabilities.argmax(axis=1) == expected.argmax(axis=1)).all()
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)


@needs_mnist
def test_prepared_test_images_are_unchanged(open_page: OpenPage, mnist: Mnist) -> None:
    tab = open_page(make_classifier(mnist.network))
    same = [
        np.array_equal(fit_in_page(tab, image.astype(np.float32), 20, "mass"), image) for image in mnist.images[:100]
    ]
    assert sum(same) >= 99


@needs_mnist
def test_replayed_images_keep_accuracy(open_page: OpenPage, mnist: Mnist) -> None:
    images, labels = mnist.images[:300], mnist.labels[:300]
    predictions = replay(open_page(make_classifier(mnist.network)), images)
    expected = run_network(mnist.network, normalize(images, 0.5, 0.5)).logits.argmax(axis=1)
    assert (predictions == labels).mean() >= (expected == labels).mean() - 0.02


@needs_mnist
@pytest.mark.parametrize("finger", [False, True], ids=["mouse", "finger"])
def test_recognizes_drawn_digits(open_page: OpenPage, mnist: Mnist, *, finger: bool) -> None:
    tab = open_page(make_classifier(mnist.network))
    best = {}
    for name, style in STYLES.items():
        for digit, strokes in enumerate(DIGITS):
            tab.evaluate("paper.erase()")
            draw(tab, strokes, style, finger=finger)
            best[name, digit] = tab.evaluate('document.getElementById("best").textContent')
    assert best == {(name, digit): str(digit) for name, digit in best}
