"""Evaluate the network on the test set.

Reads data/normalized/test.safetensors and models/mlp.safetensors; writes metrics/metrics.json, metrics/classes.csv,
metrics/predictions.csv and metrics/mistakes.png.

Run: dvc repro evaluate
"""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from sklearn.metrics import precision_recall_fscore_support
from torch import Tensor
from torch.nn import functional

from stages.shared import numerics, split, stage
from stages.shared.network import MODEL, load_network
from stages.shared.shapes import CLASSES, IMAGE_SIZE
from stages.shared.stage import StageError

METRICS = Path("metrics/metrics.json")
CLASS_METRICS = Path("metrics/classes.csv")
PREDICTIONS = Path("metrics/predictions.csv")
MISTAKES = Path("metrics/mistakes.png")

CALIBRATION_BINS = 15
MISTAKES_SHOWN = (4, 8)  # rows, columns
ZOOM = 4
CAPTION_HEIGHT = 22


def main() -> None:
    """Score the test set and write what came out."""
    numerics.pin("portable")
    images, labels = split.read_split(split.TEST)
    network = load_network(MODEL)
    with torch.inference_mode():
        logits = network(torch.from_numpy(images))
    loss = mean_cross_entropy(logits, torch.from_numpy(labels))
    if not math.isfinite(loss):
        raise StageError(f"{MODEL}: gives a test loss of {loss}, must be a finite number; train with a lower lr")
    probabilities = functional.softmax(logits, dim=1).numpy()
    predicted = probabilities.argmax(axis=1)
    class_metrics = tabulate_classes(labels, predicted)
    metrics = {
        "accuracy": float(np.mean(predicted == labels)),
        "loss": loss,
        "macro_f1": math.fsum(class_metrics["f1"]) / CLASSES,
        "expected_calibration_error": expected_calibration_error(labels, probabilities),
    }
    METRICS.parent.mkdir(exist_ok=True)
    METRICS.write_text(json.dumps(metrics, indent=2) + "\n")
    class_metrics.to_csv(CLASS_METRICS, lineterminator="\n")
    predictions = pd.DataFrame({"actual": labels, "predicted": predicted})
    predictions.to_csv(PREDICTIONS, index=False, lineterminator="\n")
    # Not compressed: compressors differ from machine to machine, and so would the bytes.
    draw_mistakes(images, labels, probabilities).save(MISTAKES, compress_level=0)
    print(f"Test accuracy: {metrics['accuracy']:.2%}")


def tabulate_classes(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> pd.DataFrame:
    """Tabulate precision, recall, F1 and support, one row a class. A ratio of 0 to 0 is given as 0."""
    columns = precision_recall_fscore_support(labels, predicted, labels=range(CLASSES), zero_division=0)
    table = pd.DataFrame(dict(zip(("precision", "recall", "f1", "support"), columns, strict=True)))
    return table.rename_axis("class")


def mean_cross_entropy(logits: Tensor, labels: Tensor) -> float:
    """Compute the mean cross entropy, in nats, whatever loss the training minimized, so that all runs compare."""
    losses = functional.cross_entropy(logits, labels, reduction="none")
    return math.fsum(losses.tolist()) / len(labels)  # exact, so it depends on no order of additions


def expected_calibration_error(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    """Compute how far confidence and accuracy lie apart, from 0 to 1.

    The images are binned by the probability of the predicted class; each bin's gap counts by its share of the images.
    Source: Guo et al., On Calibration of Modern Neural Networks, arXiv:1706.04599, equation 3.
    """
    confidences = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidences * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [
        abs(math.fsum(right[bins == bin_number]) - math.fsum(confidences[bins == bin_number]))
        for bin_number in range(CALIBRATION_BINS)
    ]
    return math.fsum(gaps) / len(labels)


def draw_mistakes(
    images: NDArray[np.float32], labels: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> Image.Image:
    """Draw the mistakes that the network was most confident of, each with what it said and what was meant."""
    rows, columns = MISTAKES_SHOWN
    predicted = probabilities.argmax(axis=1)
    mistakes = np.flatnonzero(predicted != labels)
    mistakes = mistakes[np.argsort(-probabilities[mistakes].max(axis=1), kind="stable")][: rows * columns]
    side, height = IMAGE_SIZE * ZOOM, IMAGE_SIZE * ZOOM + CAPTION_HEIGHT
    picture = Image.new("L", (columns * (side + ZOOM), rows * height), color=255)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=CAPTION_HEIGHT * 2 // 3)
    for position, mistake in enumerate(mistakes):
        left, top = position % columns * (side + ZOOM), position // columns * height
        picture.paste(to_grayscale(images[mistake]).resize((side, side), Image.Resampling.NEAREST), (left, top))
        caption = f"said {predicted[mistake]}, is {labels[mistake]}"
        draw.text((left + side / 2, top + side + CAPTION_HEIGHT / 2), caption, fill=0, font=font, anchor="mm")
    return picture


def to_grayscale(image: NDArray[np.float32]) -> Image.Image:
    """Map the darkest pixel of a normalized image to white and the brightest to black, as ink on paper."""
    darkest, brightest = image.min(), image.max()
    ink = (image - darkest) / max(brightest - darkest, np.float32(1e-9))
    return Image.fromarray(np.uint8(255 * (1 - ink)))


if __name__ == "__main__":
    stage.run(main)
