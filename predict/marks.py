"""Choose the digits among the marks on a paper, by their sizes and places."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.measure._regionprops import regionprops

from predict.background import Box
from predict.rules import RULES


@dataclass(frozen=True)
class Mark:
    """The box of connected pixels, or of several such parts; `bottom` and `right` are excluded."""

    top: int
    left: int
    bottom: int
    right: int
    area: int
    part: int  # the size of the largest part
    labels: tuple[int, ...]

    @property
    def height(self) -> int:
        """Return the number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return self.right - self.left

    @property
    def size(self) -> int:
        """Return the longer side."""
        return max(self.height, self.width)

    @property
    def fill(self) -> float:
        """Return the share of the box that is filled."""
        return self.area / (self.width * self.height)

    @property
    def is_flat(self) -> bool:
        """Tell whether this is a line, or the stroke on top of a five."""
        return self.width >= RULES.flat * self.height

    def is_in(self, other: "Mark") -> bool:
        """Tell whether this box lies within another."""
        rows = other.top < self.top and self.bottom < other.bottom
        return rows and other.left < self.left and self.right < other.right

    def join(self, other: "Mark") -> "Mark":
        """Return the box of both."""
        corner = min(self.top, other.top), min(self.left, other.left)
        end = max(self.bottom, other.bottom), max(self.right, other.right)
        return Mark(*corner, *end, self.area + other.area, max(self.part, other.part), self.labels + other.labels)


def list_marks(labels: NDArray[np.int64]) -> list[Mark]:
    """List the marks whose pixels have labels from 1; specks are left out."""
    marks = []
    for part in regionprops(labels):
        top, left, bottom, right = part.bbox
        size = max(bottom - top, right - left)
        if size >= max(2, RULES.min_size * max(labels.shape)):
            marks.append(Mark(top, left, bottom, right, int(part.area), size, (part.label,)))
    return marks


def find_panel(marks: list[Mark], labels: NDArray[np.int64]) -> Box | None:
    """Return the largest filled rectangle, which is a picture of its own: a digit in a figure, paper on a table.

    Its edge is cut off, as much as is needed where the rectangle is turned a little.
    """
    for mark in sorted(marks, key=lambda mark: -mark.area):
        if mark.size < RULES.panel_size * max(labels.shape) or mark.fill < RULES.panel_fill:
            continue
        for share in RULES.panel_edges:
            edge = 1 + int(share * mark.size)
            top, left, bottom, right = mark.top + edge, mark.left + edge, mark.bottom - edge, mark.right - edge
            box = labels[top:bottom, left:right] == mark.labels[0]
            if mark.size > RULES.panel_ratio * min(box.shape):
                break
            if min(side.mean() for side in (box[0], box[-1], box[:, 0], box[:, -1])) > RULES.panel_side:
                return top, left, bottom, right
    return None


def choose_digits(marks: list[Mark], shape: tuple[int, ...]) -> list[Mark]:
    """Return the marks that are digits, from left to right: none, one, or those of a number."""
    marks = leave_out_lines(leave_out_boxes(marks), shape[1])
    tallest = max((mark.size for mark in marks), default=0)
    digits = join_strokes([mark for mark in marks if not is_dot(mark, tallest)])
    tallest = max((mark.size for mark in digits), default=0)
    digits = [
        mark for mark in digits if mark.size >= RULES.digit_size * tallest and mark.part >= RULES.min_part * mark.size
    ]
    if not digits:
        return []
    middle = min(digits, key=lambda mark: measure_distance(mark, shape) - mark.size)
    return sorted((mark for mark in digits if is_beside(mark, middle)), key=lambda mark: mark.left)


def leave_out_boxes(marks: list[Mark]) -> list[Mark]:
    """Leave out a box or a circle around another mark that is not a speck, and what is outside of it."""
    boxes = [
        mark for mark in marks if any(other.is_in(mark) and other.size > RULES.enclosed * mark.size for other in marks)
    ]
    inner = [mark for mark in marks if any(mark.is_in(box) for box in boxes) and mark not in boxes]
    return inner if boxes else marks


def leave_out_lines(marks: list[Mark], width: int) -> list[Mark]:
    """Leave out lines under all other marks, and across the picture."""
    lowest = max((mark.top for mark in marks if not mark.is_flat), default=-1)
    return [mark for mark in marks if not mark.is_flat or (mark.top < lowest and mark.width < width)]


def is_dot(mark: Mark, tallest: int) -> bool:
    """Tell whether a mark is small and filled, as a period or a punched hole."""
    return mark.size < RULES.dot_size * tallest and mark.fill > RULES.dot_fill


def join_strokes(marks: list[Mark]) -> list[Mark]:
    """Join the marks that are strokes of one digit, the largest first."""
    pending = sorted(marks, key=lambda mark: -mark.area)
    digits: list[Mark] = []
    while pending:
        digit = pending.pop(0)
        while near := [mark for mark in pending if is_stroke(mark, digit)]:
            for mark in near:
                digit = digit.join(mark)
                pending.remove(mark)
        digits.append(digit)
    return digits


def is_stroke(mark: Mark, digit: Mark) -> bool:
    """Tell whether two marks are near: side by side, a stroke may be further away than another digit."""
    larger, smaller = max(mark.size, digit.size), min(mark.size, digit.size)
    across = max(mark.left, digit.left) - min(mark.right, digit.right)
    along = max(mark.top, digit.top) - min(mark.bottom, digit.bottom)
    gap = RULES.stroke_gap if smaller < RULES.digit_size * larger else 0
    return across < gap * larger and along < RULES.vertical_gap * larger


def measure_distance(mark: Mark, shape: tuple[int, ...]) -> float:
    """Return how far the middle of a mark is from that of the picture."""
    return float(np.hypot(mark.top + mark.bottom - shape[0], mark.left + mark.right - shape[1])) / 2


def is_beside(mark: Mark, other: Mark) -> bool:
    """Tell whether two digits are in one line of text."""
    overlap = min(mark.bottom, other.bottom) - max(mark.top, other.top)
    return overlap > RULES.digit_size * min(mark.height, other.height)
