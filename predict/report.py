"""What is printed: predictions as a table or as JSON, images, and the accuracy where the labels are known."""

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from predict import PredictError

FindLabel = Callable[[str], int | None]  # from the name of a picture to its class; raises PredictError


class Prediction(NamedTuple):
    """The probabilities, float32 of shape (classes,), of an image, uint8, and its true class, if known."""

    file: str
    image: NDArray[np.uint8]
    label: int | None
    probabilities: NDArray[np.float32]


def print_predictions(
    predictions: Iterable[Prediction], files: Sequence[str], classes: Sequence[str], options: argparse.Namespace
) -> None:
    """Print the predictions as they come, and the confusion matrix at the end if labels are known."""
    labels = options.labels is not None
    file_width = max(len(to_printable(name)) for name in ["file", *files])
    class_width = max(len(name) for name in ["class", "label", *classes])
    row = "  ".join([f"{{:{file_width}}}", *[f"{{:{class_width}}}"] * (1 + labels), "{:>11}", "{}"])
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    for number, prediction in enumerate(predictions):
        if options.json:
            print(_format_json(prediction, classes))
        else:
            if number == 0:
                print(row.format("file", *["label"] * labels, "class", "probability", "second best"))
            print(row.format(*_list_cells(prediction, classes)))
        if options.show:
            print(_format_image(prediction.image, color=color))
        if prediction.label is not None:
            confusion[prediction.label, prediction.probabilities.argmax()] += 1
    if confusion.any():
        _print_summary(confusion, classes, as_json=options.json)


def _list_cells(prediction: Prediction, classes: Sequence[str]) -> list[str]:
    file, _, label, probabilities = prediction
    best, second = np.argsort(-probabilities, kind="stable")[:2]
    labels = [] if label is None else [classes[label]]
    second_best = f"{classes[second]} ({probabilities[second]:.2%})"
    return [to_printable(file), *labels, classes[best], f"{probabilities[best]:.2%}", second_best]


def to_printable(text: str) -> str:
    """Escape characters that are not printable, such as line breaks in the name of a file."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _format_json(prediction: Prediction, classes: Sequence[str]) -> str:
    file, _, label, probabilities = prediction
    best = int(probabilities.argmax())
    result = {
        "file": file,
        "class": classes[best],
        "probability": float(probabilities[best]),
        "probabilities": dict(zip(classes, map(float, probabilities), strict=True)),
    }
    return json.dumps(result if label is None else result | {"label": classes[label]})


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


def _print_summary(confusion: NDArray[np.int64], classes: Sequence[str], *, as_json: bool) -> None:
    """Print the accuracy and the confusion matrix, whose rows are labels."""
    correct, total = int(confusion.trace()), int(confusion.sum())
    if as_json:
        print(json.dumps({"accuracy": correct / total, "images": total, "confusion": confusion.tolist()}))
        return
    rows = [["", *classes], *([name, *map(str, row)] for name, row in zip(classes, confusion.tolist(), strict=True))]
    width = max(len(text) for row in rows for text in row)
    print(f"\nAccuracy: {correct / total:.4f} ({correct} of {total})")
    print("Confusion matrix (rows: label, columns: class):")
    print(*("  ".join(text.rjust(width) for text in row) for row in rows), sep="\n")


def choose_labels(option: str | None, classes: Sequence[str]) -> FindLabel:
    """Return what finds the label of a picture: None, by its folder if the option is empty, or by a CSV file.

    Raises:
        PredictError: the CSV file is invalid.
    """
    if option is None:
        return lambda _: None
    if not option:
        return lambda name: parse_label(Path(name).absolute().parent.name, classes)
    labels = read_labels(Path(option), classes)

    def find(name: str) -> int:
        label = labels.get(Path(name).resolve())
        if label is None:
            raise PredictError(f"has no label in {option}")
        return label

    return find


def read_labels(path: Path, classes: Sequence[str]) -> dict[Path, int]:
    """Read a CSV file with the header `file,label`; the files are relative to its folder.

    Raises:
        PredictError: it cannot be read, or has other columns or labels.
    """
    labels: dict[Path, int] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != ["file", "label"]:
                raise PredictError("the first line must be file,label")
            for row in reader:
                if None in row or None in row.values():
                    raise PredictError(f"line {reader.line_num}: must have a file and a label")
                try:
                    labels[path.parent.joinpath(row["file"]).resolve()] = parse_label(row["label"], classes)
                except PredictError as error:
                    raise PredictError(f"line {reader.line_num}: {error}") from None
    except OSError as error:
        raise PredictError(error.strerror or "cannot be read") from None
    except (ValueError, csv.Error) as error:
        raise PredictError(f"not a CSV file in UTF-8 ({error})") from None
    return labels


def parse_label(text: str, classes: Sequence[str]) -> int:
    """Return the number of the class with this name or number.

    Raises:
        PredictError: there is none.
    """
    names = [*classes, *map(str, range(len(classes)))]
    if text not in names:
        raise PredictError(f"the label is {text[:50]}, must be one of {', '.join(classes)}")
    return names.index(text) % len(classes)
