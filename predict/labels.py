"""The true classes of pictures: by the names of their folders, or in a CSV file."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from predict import PredictError

FindLabel = Callable[[str], int | None]  # from the name of a picture to its class; raises PredictError


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
