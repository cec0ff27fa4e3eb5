"""What the page of `dvc plots` must show, read from the SVG of its charts."""

import json
import re
from itertools import pairwise
from pathlib import Path

from PIL import ImageColor

CLASSES = 10
LOSSES = (8, 1, 2, 1)  # by epoch; the first of the lowest is the best
ERRORS = (0.8, 0.1, 0.2, 0.1)
BEST_EPOCH = 2
# Of 100 images of each class, so many are predicted as the next class, and as the one after it.
MISSES = (4, 1)
WINDOW_WIDTH = 700
# For each chart: id in the page, title, name of its marks in the SVG, number of marks of one experiment.
CONFUSION = "Confusion_matrix_in_percent_of_each_actual_class"
CHARTS = [
    ("Loss_by_epoch", "Loss by epoch", "line mark", 2),  # training and validation
    ("Accuracy_by_epoch", "Accuracy by epoch", "line mark", 2),
    (CONFUSION, "Confusion matrix in percent of each actual class", "rect mark", 3 * CLASSES),
    ("metrics_classes_csv", "F1 by class", "circle", CLASSES),
]
PICTURES = "metrics_misclassified_png"
IDENTIFIERS = {PICTURES, *(identifier for identifier, *_ in CHARTS)}


def check_marks(plots: dict[str, str], folder: Path, experiments: list[str]) -> None:
    """Check that each plot has all of its marks for each experiment; `folder` is that of the page."""
    for identifier, title, mark, marks in CHARTS:
        chart = plots[identifier]
        assert f"Title text '{title}'" in chart
        assert chart.count(f'aria-roledescription="{mark}"') == marks * len(experiments), title
        assert all(f">{experiment}</text>" in chart for experiment in experiments), title
    pictures = re.findall(r'<img src="([^"]+)"', plots[PICTURES])
    assert len({(folder / picture).read_bytes() for picture in pictures}) == len(experiments)


def check_widths(measured: str) -> None:
    """Check that charts and pictures end within the window, the charts without being shrunk."""
    pictures = json.loads(measured[1 : measured.index("<")])
    assert len(pictures) > len(CHARTS)
    for right, scale in pictures:
        assert right <= WINDOW_WIDTH
        assert scale == 1


def check_curves(plots: dict[str, str], experiments: list[str]) -> None:
    """Check the legends, the marked epoch, and the room for the epochs after the first."""
    for name, values in (("Loss_by_epoch", LOSSES), ("Accuracy_by_epoch", ERRORS)):
        chart = plots[name]
        legends = re.findall(r"legend titled '(\w+)'", chart)
        assert legends == ["experiment", "split", "validation"]
        best = re.findall(r'label="(\w+), validation, epoch (\d), [\d.]+" [^>]*description="point"', chart)
        assert best == [(experiment, str(BEST_EPOCH)) for experiment in experiments], name
        circle = rf'label="{experiments[0]}, train, epoch \d, [\d.]+" [^>]*"circle" transform="translate\([^,]+,([^)]+)'
        first, second, third, _ = map(float, re.findall(circle, chart))
        assert (third - second) / (first - second) > 2 * (values[2] - values[1]) / (values[0] - values[1])


def check_confusion(chart: str) -> None:
    """Check that the colors of errors use their own scale, and that each cell gives images and percent."""
    cell = (
        r'label="predicted: (\d); actual: (\d);[^"]* images: (\d+); percent: ([\d.]+)" '
        r'[^>]*"rect mark" [^>]*fill="([^"]+)'
    )
    cells = re.findall(cell, chart)
    assert len(cells) == chart.count('"rect mark"')
    colors = {}
    for predicted, actual, images, percent, color in cells:
        assert float(images) == float(percent)  # 100 images of each class
        colors[(int(predicted) - int(actual)) % CLASSES] = color
    correct, many, few = (ImageColor.getrgb(colors[miss]) for miss in (0, 1, 2))
    assert distance(many, few) > 150
    assert distance(many, correct) > 150
    assert distance(few, correct) > 30
    assert f"legend titled 'misclassified, percent' for fill color with values from 0 to {MISSES[0]}" in chart


def distance(color: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum(abs(a - b) for a, b in zip(color, other, strict=True))


def check_classes(chart: str, experiments: list[str]) -> None:
    """Check that the axis shows the range of the values, and that the labels do not overlap."""
    minimum, maximum = map(
        float, re.findall(r"'F1' for a linear scale with values from ([\d.]+) to ([\d.]+)", chart)[0]
    )
    lowest = 0.75 if experiments == ["workspace"] else 0.5
    assert abs(lowest - minimum) < 0.05
    assert 1 <= maximum < 1.05
    assert re.findall(r"legend titled '(\w+)'", chart) == ["experiment"]
    labels = re.findall(r'"text mark" [^>]*translate\(([\d.]+),([\d.]+)\)"[^>]*font-size="([\d.]+)px"', chart)
    assert len(labels) == CLASSES * len(experiments)
    assert len({x for x, *_ in labels}) == 1
    heights = sorted(float(y) for _, y, _ in labels)
    assert min(b - a for a, b in pairwise(heights)) >= float(labels[0][2]) >= 8
