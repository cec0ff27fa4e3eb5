"""Measure the predictions of pictures by kind.

The folder has digits/KIND/NAME-LABEL.*, blank/*, several/LABEL_*, and others/*: one digit each, none, two and more, and
what is no digit. A picture is right if it has the label of its name; without one, if it is an error, such as empty.
Certain are those that predict does not call uncertain.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from predict import PredictError
from predict.pictures import list_pictures


def predict(folder: Path, model: str) -> dict[str, dict[str, Any]]:
    """Return what `python -m predict --json` prints of each picture of a folder; {} for a picture without a line.

    Raises:
        PredictError: there is no such folder, no picture in it, or the model fails.
    """
    if not folder.is_dir():
        raise PredictError(f"{folder}: must be a folder")
    found: dict[str, dict[str, Any]] = {name: {} for name in list_pictures(str(folder))}
    command = [sys.executable, "-m", "predict", "--json", "--model", model, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in result.stderr.splitlines():
        if line.startswith(f"error: {model}: "):
            raise PredictError(line.removeprefix("error: "))
    for answer in map(json.loads, result.stdout.splitlines()):
        found[answer["file"]] = answer
    return {name: answer for name, answer in found.items() if "[" not in name}


def read_label(path: Path) -> str | None:
    """Return the digits in a picture, by its name; None if it has none."""
    match path.parent.parent.name, path.parent.name:
        case "digits", _:
            return path.stem.rpartition("-")[2]
        case _, "several":
            return path.stem.partition("_")[0]
    return None


def main() -> None:
    """Print for each kind how many pictures are right, how many of these are certain, and the same of the others."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.predict.measure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="of pictures")
    parser.add_argument("--model", default="models/mlp.onnx", help="default: %(default)s")
    parser.add_argument("--wrong", action="store_true", help="list the pictures that are not right")
    arguments = parser.parse_args()
    try:
        answers_by_name = predict(arguments.folder, arguments.model)
    except PredictError as error:
        parser.error(str(error))
    kinds: dict[str, list[tuple[str, str | None, dict[str, Any]]]] = defaultdict(list)
    for name, answer in answers_by_name.items():
        path = Path(name)
        kinds[str(path.parent.relative_to(arguments.folder))].append((name, read_label(path), answer))
    row = "{:34} {:>5} {:>5} {:>8} {:>14} {:>5}"
    print(row.format("kind", "all", "right", "certain", "wrong, certain", "empty"))
    total: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for kind, answers in sorted(kinds.items()):
        counts = count(answers)
        print(row.format(kind, *counts))
        group = kind.partition("/")[0]
        total[group] = [a + b for a, b in zip(total[group], counts, strict=True)]
        if arguments.wrong:
            for name, label, answer in answers:
                if answer.get("class") != label:
                    guess = f"{answer['class']} {answer['probability']:.2%}" if answer else "empty"
                    print(f"    {name}: {guess}{', uncertain' * answer.get('uncertain', False)}")
    for group, counts in total.items():
        print(row.format(group, *counts), f"{counts[1] / counts[0]:.1%}")


def count(answers: list[tuple[str, str | None, dict[str, Any]]]) -> list[int]:
    """Count the pictures, those that are right, right and certain, wrong and certain, and empty."""
    right = [answer.get("class") == label for _, label, answer in answers]
    certain = [bool(answer) and not answer.get("uncertain", False) for _, _, answer in answers]
    both = list(zip(right, certain, strict=True))
    empty = sum(not answer for _, _, answer in answers)
    return [len(right), sum(right), both.count((True, True)), both.count((False, True)), empty]


if __name__ == "__main__":
    main()
