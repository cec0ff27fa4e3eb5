"""The true classes of pictures: from a CSV file, or from the names of their folders."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from predict.errors import PredictError

COLUMNS = ["file", "label"]

FindLabel = Callable[[str], int]  # from the name of a picture to its class, 0 to 9; raises PredictError


def label_by_folder(classes: Sequence[str]) -> FindLabel:
    """Label each picture by the name of the folder that it is in."""
    return lambda name: parse_label(Path(name).absolute().parent.name, classes)


def label_by_csv(path: Path, classes: Sequence[str]) -> FindLabel:
    """Label the pictures by a CSV file with the header `file,label`; the files are relative to its folder.

    Raises:
        PredictError: it cannot be read, or has other columns or labels.
    """
    labels: dict[Path, int] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != COLUMNS:
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

    def find(name: str) -> int:
        label = labels.get(Path(name).resolve())
        if label is None:
            raise PredictError(f"has no label in {path}")
        return label

    return find


def parse_label(text: str, classes: Sequence[str]) -> int:
    """Return the class, 0 to 9, of its name or number.

    Raises:
        PredictError: it is neither.
    """
    names = [*classes, *map(str, range(len(classes)))]
    if text not in names:
        raise PredictError(f"the label is {text[:50]}, must be one of {', '.join(classes)}")
    return names.index(text) % len(classes)
