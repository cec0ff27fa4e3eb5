"""What is printed: predictions as a table or as JSON, images, and the accuracy where labels are known."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from predict.model import Metadata
from predict.rules import RULES


class Prediction(NamedTuple):
    """What a picture holds: its images, uint8 of shape (n, height, width), and their probabilities, (n, classes).

    There are several if it is a number. The label is the true class of the picture, if known.
    """

    file: str
    images: NDArray[np.uint8]
    label: int | None
    probabilities: NDArray[np.float32]


class Row(NamedTuple):
    """A line of the report: of a picture, of its number, or of a digit of that."""

    file: str
    label: int | None
    best: list[int]  # the class, or those of the digits
    probability: float
    probabilities: NDArray[np.float32] | None
    image: NDArray[np.uint8] | None


def print_predictions(
    predictions: Iterable[Prediction], files: Sequence[str], metadata: Metadata, options: argparse.Namespace
) -> None:
    """Print the predictions as they come, and the confusion matrix at the end if labels are known."""
    classes = metadata.classes
    certain = RULES.certain if metadata.are_digits else 0
    labels = options.labels is not None
    several = metadata.are_digits and not options.as_is
    file_width = max(len(to_printable(name)) for name in ["file", *files]) + len("[1]") * several
    class_width = max(len(name) for name in ["class", "label", *classes])
    layout = "  ".join([f"{{:{file_width}}}", *[f"{{:{class_width}}}"] * (1 + labels), "{:>11}", "{}"])
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    numbers = 0  # pictures with a label that are taken for several digits
    for position, prediction in enumerate(predictions):
        if position == 0 and not options.json:
            print(layout.format("file", *["label"] * labels, "class", "probability", "second best"))
        for row in _list_rows(prediction):
            print(
                _format_json(row, classes, certain)
                if options.json
                else layout.format(*_list_cells(row, classes, certain, labelled=labels))
            )
            if options.show and row.image is not None:
                print(_format_image(row.image, color=color))
        if prediction.label is not None:
            if len(prediction.images) == 1:
                confusion[prediction.label, prediction.probabilities.argmax()] += 1
            else:
                numbers += 1
    if confusion.any() or numbers:
        _print_summary(confusion, numbers, classes, as_json=options.json)


def _list_rows(prediction: Prediction) -> Iterator[Row]:
    """Yield the row of a picture; if it is a number, with a row for each digit."""
    file, images, label, probabilities = prediction
    best = probabilities.argmax(axis=1).tolist()
    if len(images) == 1:
        yield Row(file, label, best, float(probabilities.max()), probabilities[0], images[0])
        return
    yield Row(file, label, best, float(probabilities.max(axis=1).prod()), None, None)
    for number, (digit, image, row) in enumerate(zip(best, images, probabilities, strict=True), 1):
        yield Row(f"{file}[{number}]", None, [digit], float(row.max()), row, image)


def _list_cells(row: Row, classes: Sequence[str], certain: float, *, labelled: bool) -> list[str]:
    label = "" if row.label is None else classes[row.label]
    if row.probabilities is None:
        last = f"{len(row.best)} digits"
    else:
        second = np.argsort(-row.probabilities, kind="stable")[1]
        last = f"{classes[second]} ({row.probabilities[second]:.2%})"
    uncertain = ", uncertain" if row.probability < certain else ""
    return [
        to_printable(row.file),
        *[label] * labelled,
        "".join(classes[digit] for digit in row.best),
        f"{row.probability:.2%}",
        last + uncertain,
    ]


def to_printable(text: str) -> str:
    """Escape characters that are not printable, such as line breaks in the name of a file."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _format_json(row: Row, classes: Sequence[str], certain: float) -> str:
    result: dict[str, object] = {
        "file": row.file,
        "class": "".join(classes[digit] for digit in row.best),
        "probability": row.probability,
        "uncertain": row.probability < certain,
    }
    if row.probabilities is None:
        result["digits"] = len(row.best)
    else:
        result["probabilities"] = dict(zip(classes, map(float, row.probabilities), strict=True))
    return json.dumps(result if row.label is None else result | {"label": classes[row.label]})


def _format_image(image: NDArray[np.uint8], *, color: bool) -> str:
    """Draw an image by half blocks, two pixels a character: in 24 grays of a terminal, or in two without `color`."""
    gray = np.asarray(Image.fromarray(image).convert("L"))
    even = np.pad(gray, ((0, len(gray) % 2), (0, 0)))
    lines = [list(zip(*even[row : row + 2].tolist(), strict=True)) for row in range(0, len(even), 2)]
    if not color:
        return "\n".join("".join(" ▄▀█"[2 * (upper > 127) + (lower > 127)] for upper, lower in line) for line in lines)
    return "\n".join("".join(map(_color_block, line)) + "\x1b[0m" for line in lines)


def _color_block(pixels: tuple[int, int]) -> str:
    upper, lower = (232 + pixel * 24 // 256 for pixel in pixels)
    return f"\x1b[38;5;{upper};48;5;{lower}m▀"


def _print_summary(confusion: NDArray[np.int64], numbers: int, classes: Sequence[str], *, as_json: bool) -> None:
    """Print the accuracy and the confusion matrix, whose rows are labels; numbers are wrong, and not in the matrix."""
    correct, total = int(confusion.trace()), int(confusion.sum()) + numbers
    if as_json:
        print(json.dumps({"accuracy": correct / total, "images": total, "confusion": confusion.tolist()}))
        return
    rows = [["", *classes], *([name, *map(str, row)] for name, row in zip(classes, confusion.tolist(), strict=True))]
    width = max(len(text) for row in rows for text in row)
    print(f"\nAccuracy: {correct / total:.4f} ({correct} of {total})")
    without = f", without {numbers} taken for numbers" if numbers else ""
    print(f"Confusion matrix (rows: label, columns: class{without}):")
    print(*("  ".join(text.rjust(width) for text in row) for row in rows), sep="\n")
