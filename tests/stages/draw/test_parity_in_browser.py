"""The page against PyTorch and `python -m predict`: the same pixels, the same probabilities."""

import io
import json
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import nn

from predict import PredictError
from predict.preparation import Ink, fit, prepare_box, prepare_digits
from stages.shared.onnx_graph import Graph, Values
from stages.shared.onnx_layers import LAYERS
from tests.chromium import Tab
from tests.conftest import needs_mnist
from tests.predict.scenes import BLANK, SCENES, draw_number, write_on
from tests.stages.conftest import DATASET
from tests.stages.draw.conftest import Mnist, OpenPage, encode
from tests.stages.draw.page_actions import read
from tests.stages.draw.replay import predict, replay
from tests.stages.draw.strokes import DIGITS, Style, draw
from tests.stages.networks import NETWORKS, make_images, make_network, run_network

STYLES = {
    "large": Style(height=0.9),
    "small": Style(height=0.3, pen=28),
    "off center": Style(height=0.4, x=0.25, y=0.75),
    "thick": Style(height=0.7, pen=68),
    "thin": Style(height=0.8, pen=28),
}


# The images that the page makes of a picture, or what is wrong with it.
READ = """async (base64) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  try {
    const inks = await readPicture(new File([bytes], "x"), model);
    return inks.map((ink) => [...fit(ink, model.shape, model.ink)]);
  } catch (error) {
    return error.message;
  }
}"""
SQUARE, MASS = (28, 28), Ink(20, "mass")
UNSUPPORTED = {
    "rows": "MatMul",
    "padding reflect": "Pad",
    "padding replicate": "Pad",
    "softmax of channels": "Softmax with shape 1,4,26,26",
}


def fit_in_page(tab: Tab, values: NDArray[np.float32], shape: tuple[int, int], ink: Ink) -> NDArray[np.int64]:
    height, width = values.shape
    source = f'{{ values: decodeFloats("{encode(values.tobytes())}"), width: {width}, height: {height} }}'
    image = tab.evaluate(f"[...fit({source}, {list(shape)}, {json.dumps(ink._asdict())})]")
    return np.array(image).reshape(shape)


def draw_ink(width: int, height: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw a line from edge to edge, and gray strokes."""
    ink = Image.new("F", (width, height))
    painter = ImageDraw.Draw(ink)
    painter.line([(0, 0), (width - 1, height // 2)], fill=255, width=max(1, width // 10))
    for _ in range(3):
        points = [(int(x * width), int(y * height)) for x, y in generator.uniform(0.1, 0.9, (4, 2))]
        painter.line(points, fill=float(generator.uniform(40, 255)), width=max(1, width // 12))
    return np.asarray(ink)


@pytest.mark.parametrize("name", NETWORKS)
def test_page_agrees_with_torch_or_says_why_not(open_page: OpenPage, name: str) -> None:
    network, images = NETWORKS[name](), make_images(20)
    tab = open_page(network)
    if name in UNSUPPORTED:
        assert read(tab, "about") == f"It has the operator {UNSUPPORTED[name]}. Use python -m predict."
        return
    np.testing.assert_allclose(predict(tab, images), run_network(network, images).probabilities, rtol=0, atol=1e-5)


def test_page_says_which_attribute_it_does_not_know(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def linear(graph: Graph, layer: nn.Linear, inputs: Values) -> str:
        return graph.add("Gemm", inputs.name, layer.weight, layer.bias, transB=1, alpha=1.0)

    monkeypatch.setitem(LAYERS, nn.Linear, linear)
    tab = open_page(NETWORKS["MLP"]())
    assert read(tab, "about") == "It has the operator Gemm with alpha. Use python -m predict."


@pytest.mark.parametrize(("mean", "std"), [(0.1307, 0.3081), (0.25, 2)])
def test_page_normalizes(open_page: OpenPage, mean: float, std: float) -> None:
    dataset = DATASET.model_copy(update={"mean": mean, "std": std})
    network, images = NETWORKS["MLP"](), make_images(20)
    expected = run_network(network, images, dataset).probabilities
    np.testing.assert_allclose(predict(open_page(network, dataset), images), expected, rtol=0, atol=1e-5)


def test_page_of_another_shape_and_classes(open_page: OpenPage) -> None:
    classes = tuple("abcdefghijklmnop")
    dataset = DATASET.model_copy(update={"height": 12, "width": 20, "classes": classes, "ink_size": 10})
    network, images = make_network(nn.Conv2d(1, 4, 3), dataset=dataset), make_images(5, 12, 20)
    tab = open_page(network, dataset)
    expected = run_network(network, images, dataset).probabilities
    np.testing.assert_allclose(predict(tab, images), expected, rtol=0, atol=1e-5)
    draw(tab, DIGITS[3])
    assert read(tab, "best") in classes
    assert tab.evaluate("[output.seen.canvas.width, output.seen.canvas.height, output.rows.length]") == [20, 12, 16]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"channels": 3}, "Its images are in color; this page draws in gray."),
        ({"ink_size": None}, "Its images are not ink on a plain background."),
    ],
)
def test_page_says_which_images_it_cannot_draw(open_page: OpenPage, changes: dict[str, object], reason: str) -> None:
    dataset = DATASET.model_copy(update=changes)
    tab = open_page(make_network(dataset=dataset), dataset)
    assert read(tab, "about") == f"{reason} Use python -m predict."
    assert not tab.evaluate("byId('paper').checkVisibility() || byId('best').checkVisibility()")


@pytest.mark.parametrize(("width", "height"), [(560, 560), (300, 41), (37, 90), (28, 28), (20, 20), (5, 3), (1, 1)])
def test_preparation_agrees_with_predict(tab: Tab, width: int, height: int) -> None:
    generator = np.random.default_rng(width)
    for shape, ink in product([SQUARE, (30, 40), (33, 29)], [Ink(20, "mass"), Ink(28, "box"), Ink(25, "box")]):
        values = draw_ink(width, height, generator)
        assert abs(fit_in_page(tab, values, shape, ink) - fit(values, shape, ink).astype(int)).max() <= 1


SAME = [
    "plain",
    "frame_12",
    "panel",
    "ruled",
    "box",
    "corners",
    "noise",
    "tight",
    "small",
    "thin",
    "thick",
    "black_corners",
    "axes",
    "turned_paper",
]


@pytest.mark.parametrize("kind", SAME)
def test_picture_gives_the_images_of_predict(tab: Tab, kind: str) -> None:
    compare_picture(tab, SCENES[kind](5, np.random.default_rng(0)), 1)


@pytest.mark.parametrize("kind", ["white", "noise_4", "shadow"])
def test_blank_picture_is_empty_in_both(tab: Tab, kind: str) -> None:
    picture = to_png(BLANK[kind](np.random.default_rng(0)))
    assert tab.evaluate(f'({READ})("{encode(picture)}")').startswith("x: empty: ")
    with pytest.raises(PredictError, match=r"^empty: "):
        prepare_digits(SQUARE, MASS, picture)


def test_number_gives_the_images_of_predict(tab: Tab) -> None:
    compare_picture(tab, write_on(draw_number([5, 2, 7], np.random.default_rng(0))), 3)


def test_image_of_the_network_stays_as_it_is(tab: Tab) -> None:
    compare_picture(tab, fit(draw_ink(200, 200, np.random.default_rng(0)), SQUARE, MASS), 1)


def test_picture_of_another_class_is_fitted_by_its_box(open_page: OpenPage) -> None:
    dataset = DATASET.model_copy(update={"classes": tuple("abcdefghij"), "ink_size": 28, "ink_center": "box"})
    tab = open_page(make_network(dataset=dataset), dataset)
    picture = to_png(SCENES["underline"](5, np.random.default_rng(0)))
    expected = prepare_box(SQUARE, Ink(28, "box"), picture)
    images = np.array(tab.evaluate(f'({READ})("{encode(picture)}")')).reshape(-1, 28, 28)
    assert abs(images - expected.astype(int)).max() <= 1


def compare_picture(tab: Tab, gray: NDArray[np.floating] | NDArray[np.uint8], digits: int) -> None:
    """Compare the images that the page and predict make of a picture; a rounded half may move an edge by a pixel."""
    picture = to_png(gray)
    expected = prepare_digits(SQUARE, MASS, picture)
    images = np.array(tab.evaluate(f'({READ})("{encode(picture)}")')).reshape(-1, 28, 28)
    assert len(images) == len(expected) == digits
    assert abs(images - expected.astype(int)).mean() < 0.5


def to_png(gray: NDArray[np.floating] | NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(gray.clip(0, 255).astype(np.uint8)).save(file, "png")
    return file.getvalue()


def test_page_divides_logits_by_the_temperature(tab: Tab) -> None:
    [image] = make_images(1)
    values = image.ravel().tolist()
    logits, hot = (np.log(tab.evaluate(f"[...predict({{ ...model, temperature: {t} }}, {values})]")) for t in (1, 4))
    np.testing.assert_allclose(hot - hot[0], (logits - logits[0]) / 4, atol=1e-5)


@pytest.mark.parametrize("rotation", range(4))
def test_preparation_keeps_all_ink_in_the_image(tab: Tab, rotation: int) -> None:
    ink = np.zeros((60, 60), np.float32)
    ink[:, 30] = 60  # a faint line ...
    ink[:9, 20:40] = 255  # ... and most of the ink at its end
    ink = np.rot90(ink, rotation).copy()
    assert abs(fit_in_page(tab, ink, SQUARE, MASS) - fit(ink, SQUARE, MASS).astype(int)).max() <= 1


def test_preparation_without_ink(tab: Tab) -> None:
    faint = "{ values: new Float32Array(10000).fill(0.1, 5000, 5001), width: 100, height: 100 }"
    empty = "{ values: new Float32Array(4), width: 2, height: 2 }"
    for ink, center in product((faint, empty), ("mass", "box")):
        assert tab.evaluate(f'fit({ink}, [28, 28], {{ size: 20, center: "{center}" }})') is None


@needs_mnist
def test_test_images_agree_with_torch(open_page: OpenPage, mnist: Mnist) -> None:
    probabilities = predict(open_page(mnist.network), mnist.images)
    expected = run_network(mnist.network, mnist.images).probabilities
    assert probabilities.shape == (10_000, 10)
    assert (probabilities.argmax(axis=1) == expected.argmax(axis=1)).all()
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)


@needs_mnist
def test_prepared_test_images_are_unchanged(open_page: OpenPage, mnist: Mnist) -> None:
    tab = open_page(mnist.network)
    same = [
        np.array_equal(fit_in_page(tab, image.astype(np.float32), SQUARE, MASS), image) for image in mnist.images[:100]
    ]
    assert sum(same) >= 99


@needs_mnist
def test_replayed_images_keep_accuracy(open_page: OpenPage, mnist: Mnist) -> None:
    images, labels = mnist.images[:300], mnist.labels[:300]
    predictions = replay(open_page(mnist.network), images)
    expected = run_network(mnist.network, images).logits.argmax(axis=1)
    assert (predictions == labels).mean() >= (expected == labels).mean() - 0.02


@needs_mnist
@pytest.mark.parametrize("finger", [False, True], ids=["mouse", "finger"])
def test_recognizes_drawn_digits(open_page: OpenPage, mnist: Mnist, *, finger: bool) -> None:
    tab = open_page(mnist.network)
    best = {}
    for name, style in STYLES.items():
        for digit, strokes in enumerate(DIGITS):
            tab.evaluate("paper.erase()")
            draw(tab, strokes, style, finger=finger)
            best[name, digit] = read(tab, "best")
    assert best == {(name, digit): str(digit) for name, digit in best}
