"""Measure the predictions of pictures by kind.

The folder has digits/KIND/NAME-LABEL.*, blank/* and several/LABEL_*: one digit each, none, or two and more.

Run: python -m tests.predict.measure FOLDER [--model models/mlp.onnx] [--wrong]
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from predict.pictures import list_pictures


def predict(folder: Path, model: str) -> dict[str, dict[str, Any]]:
    """Return what `python -m predict --json` prints of each picture of a folder; {} for a picture without a line."""
    command = [sys.executable, "-m", "predict", "--json", "--model", model, str(folder)]
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    found: dict[str, dict[str, Any]] = {name: {} for name in list_pictures(str(folder))}
    for answer in map(json.loads, output.splitlines()):
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
    parser = argparse.ArgumentParser(description="Measure the predictions of pictures by kind.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="models/mlp.onnx")
    parser.add_argument("--wrong", action="store_true", help="list the pictures that are not right")
    arguments = parser.parse_args()
    kinds: dict[str, list[tuple[str, str | None, dict[str, Any]]]] = defaultdict(list)
    for name, answer in predict(arguments.folder, arguments.model).items():
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
                    probability = answer.get("probability", 0)
                    print(f"    {name}: {answer.get('class', 'empty')} {probability:.2%} {answer.get('uncertain', '')}")
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
