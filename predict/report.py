"""What is printed: predictions as a table or as JSON, images, accuracy and the confusion matrix."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Prediction(NamedTuple):
    """The probabilities, float32 of shape (10,), of an image, uint8 of shape (28, 28), and its true class, if known."""

    file: str
    image: NDArray[np.uint8]
    label: int | None
    probabilities: NDArray[np.float32]


def to_printable(text: str) -> str:
    """Escape characters that are not printable, such as line breaks in the name of a file."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Table:
    """Formats lines of columns that are as wide as the longest file and class."""

    def __init__(self, files: Sequence[str], classes: Sequence[str], *, labels: bool) -> None:
        """Set the widths of the columns; with `labels`, the first of the classes is the true one."""
        self.classes = classes
        self.labels = labels
        self.file_width = max(len(to_printable(name)) for name in ["file", *files])
        self.class_width = max(len(name) for name in ["class", "label", *classes])

    @property
    def header(self) -> str:
        """The line above the predictions."""
        return self._format("file", "label", "class", "probability", "second best")

    def format(self, prediction: Prediction) -> str:
        """Return the line of one prediction."""
        best, second = np.argsort(-prediction.probabilities, kind="stable")[:2]
        label = "" if prediction.label is None else self.classes[prediction.label]
        return self._format(
            to_printable(prediction.file),
            label,
            self.classes[best],
            f"{prediction.probabilities[best]:.2%}",
            f"{self.classes[second]} ({prediction.probabilities[second]:.2%})",
        )

    def _format(self, file: str, label: str, best: str, probability: str, second: str) -> str:
        labels = f"{label:{self.class_width}}  " if self.labels else ""
        return f"{file:{self.file_width}}  {labels}{best:{self.class_width}}  {probability:>11}  {second}"


def format_json(prediction: Prediction, classes: Sequence[str]) -> str:
    """Return an object: file, class, probability, probabilities by class, and label, if known."""
    probabilities = dict(zip(classes, map(float, prediction.probabilities), strict=True))
    best = classes[int(prediction.probabilities.argmax())]
    result = {
        "file": prediction.file,
        "class": best,
        "probability": probabilities[best],
        "probabilities": probabilities,
    }
    return json.dumps(result if prediction.label is None else result | {"label": classes[prediction.label]})


def format_image(image: NDArray[np.uint8], *, color: bool) -> str:
    """Draw an image by half blocks, two pixels a character: in 24 grays of a terminal, or in two without `color`."""
    return "\n".join(_format_pixels(image[row : row + 2], color=color) for row in range(0, len(image), 2))


def _format_pixels(rows: NDArray[np.uint8], *, color: bool) -> str:
    pairs = rows.T.tolist()
    if not color:
        return "".join(" ▄▀█"[2 * (upper > 127) + (lower > 127)] for upper, lower in pairs)
    grays = [(232 + upper * 24 // 256, 232 + lower * 24 // 256) for upper, lower in pairs]
    return "".join(f"\x1b[38;5;{upper};48;5;{lower}m▀" for upper, lower in grays) + "\x1b[0m"


def count_confusion(pairs: Sequence[tuple[int, int]], classes: int) -> NDArray[np.int64]:
    """Count pairs of the true class (row) and the predicted class (column)."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, tuple(np.transpose(pairs)), 1)
    return counts


def format_summary(counts: NDArray[np.int64], classes: Sequence[str]) -> str:
    """Return the accuracy and the confusion matrix."""
    correct, total = int(counts.trace()), int(counts.sum())
    width = max(len(text) for text in [*classes, str(counts.max())])
    rows = [["", *classes], *([name, *map(str, row)] for name, row in zip(classes, counts.tolist(), strict=True))]
    lines = ["  ".join(f"{text:>{width}}" for text in row) for row in rows]
    accuracy = f"Accuracy: {correct / total:.4f} ({correct} of {total})"
    return "\n".join([accuracy, "Confusion matrix (rows: label, columns: class):", *lines])


def format_summary_json(counts: NDArray[np.int64]) -> str:
    """Return an object: accuracy, images, confusion."""
    total = int(counts.sum())
    return json.dumps({"accuracy": int(counts.trace()) / total, "images": total, "confusion": counts.tolist()})
