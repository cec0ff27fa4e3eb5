"""Replay MNIST's test images onto the canvas of models/draw.html, in other sizes and places, and print the accuracy.

Run: python -m tests.stages.draw.replay [--page models/draw.html] [--data data/raw] [--images 10000]
"""

import argparse
import base64
import json
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.shared.idx import TEST, read_images_and_labels
from tests import chromium
from tests.chromium import Tab

CANVAS = 560
# Scale 1 makes the 28 pixels of an image half as wide as the canvas.
SCALES = (0.5, 1.5)
OFF_CENTER = 0.25  # of the canvas, at most
# Draws each image, {pixels, x, y, size}, on an empty canvas, and classifies the canvas as after a stroke.
REPLAY = """(images) => images.map(({ pixels, x, y, size }) => {
  const values = Float32Array.from(atob(pixels), (character) => character.charCodeAt(0));
  paper.erase();
  paper.context.drawImage(drawInk({ values, width: 28, height: 28 }), x, y, size, size);
  return rank(classify()[0].probabilities)[0];
})"""
# Classifies images, one byte for each pixel, as they are.
PREDICT = """(base64) => {
  const pixels = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const size = model.shape[0] * model.shape[1];
  const images = Array.from({ length: pixels.length / size }, (_, i) => pixels.subarray(size * i, size * (i + 1)));
  return images.map((image) => [...predict(model, image)]);
}"""


def replay(tab: Tab, images: NDArray[np.uint8], seed: int = 0) -> NDArray[np.int64]:
    """Return the predictions of the open page for images of shape (n, 28, 28), each with a random scale and place.

    An image is moved back as far as its ink would leave the canvas.
    """
    generator = np.random.default_rng(seed)
    predictions: list[int] = []
    for batch in np.split(images, range(100, len(images), 100)):
        placed = [place(image, generator) for image in batch]
        predictions += tab.evaluate(f"({REPLAY})({json.dumps(placed)})")
    return np.array(predictions)


def place(image: NDArray[np.uint8], generator: np.random.Generator) -> dict[str, object]:
    """Choose the size and the top left corner of an image on the canvas."""
    size = CANVAS / 2 * generator.uniform(*SCALES)
    corner = []
    for axis, shift in enumerate(generator.uniform(-OFF_CENTER, OFF_CENTER, 2)):
        ink = np.flatnonzero(image.any(axis=axis))  # columns, then rows
        low, high = -ink[0] * size / 28, CANVAS - (ink[-1] + 1) * size / 28
        corner.append(float(np.clip(CANVAS * (0.5 + shift) - size / 2, low, high)))
    return {"pixels": base64.b64encode(image.tobytes()).decode(), "x": corner[0], "y": corner[1], "size": size}


def predict(tab: Tab, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the probabilities, of shape (n, classes), that the open page computes for images as they are."""
    return np.array(tab.evaluate(f'({PREDICT})("{base64.b64encode(images.tobytes()).decode()}")'))


def main() -> None:
    """Print the accuracy on test images, chosen at random, as they are and replayed."""
    parser = argparse.ArgumentParser(description="Replay MNIST's test images onto the canvas of a page.")
    parser.add_argument("--page", type=Path, default=Path("models/draw.html"))
    parser.add_argument("--data", type=Path, default=Path("data/raw"), help="folder of the test images")
    parser.add_argument("--images", type=int, default=10_000, help="how many of the 10,000; all take a minute")
    arguments = parser.parse_args()
    images, labels = read_images_and_labels(arguments.data, TEST)
    chosen = np.random.default_rng(0).permutation(len(images))[: arguments.images]
    with tempfile.TemporaryDirectory() as profile, chromium.start(Path(profile)) as tab:
        tab.open(arguments.page.resolve())
        as_they_are = predict(tab, images[chosen]).argmax(axis=1) == labels[chosen]
        replayed = replay(tab, images[chosen]) == labels[chosen]
    print(f"Accuracy on {len(chosen)} images: {as_they_are.mean():.2%} as they are, {replayed.mean():.2%} replayed")


if __name__ == "__main__":
    main()
