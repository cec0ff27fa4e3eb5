"""Digits as strokes, drawn on the page with the mouse or a finger."""

from collections.abc import Sequence
from math import cos, radians, sin
from typing import NamedTuple

from tests.chromium import Tab

Stroke = Sequence[tuple[float, float]]


def arc(x: float, y: float, radius_x: float, radius_y: float, begin: float, end: float) -> Stroke:
    """Return points of an arc around (x, y), from one angle to another: 0 degrees are right, 90 below."""
    steps = max(2, round(abs(end - begin) / 20))
    angles = [radians(begin + (end - begin) * step / steps) for step in range(steps + 1)]
    return [(x + radius_x * cos(angle), y + radius_y * sin(angle)) for angle in angles]


# In a square from 0 to 1, x to the right and y downwards.
DIGITS: list[list[Stroke]] = [
    [arc(0.5, 0.5, 0.34, 0.5, -90, 270)],
    [[(0.56, 0), (0.44, 1)]],
    [[*arc(0.5, 0.27, 0.32, 0.27, -170, 20), (0.18, 0.97), (0.88, 0.97)]],
    [[*arc(0.45, 0.25, 0.3, 0.25, -150, 90), *arc(0.45, 0.74, 0.36, 0.26, -90, 150)]],
    [[(0.3, 0), (0.18, 0.55), (0.85, 0.55)], [(0.7, 0.15), (0.62, 1)]],
    [[(0.8, 0), (0.28, 0), (0.24, 0.42), *arc(0.45, 0.68, 0.36, 0.32, -120, 140)]],
    [[(0.56, 0), (0.38, 0.25), (0.27, 0.55), *arc(0.5, 0.76, 0.24, 0.24, 170, -190)]],
    [[(0.15, 0.05), (0.85, 0.05), (0.4, 1)]],
    [[*arc(0.5, 0.25, 0.25, 0.25, 90, -270), *arc(0.5, 0.75, 0.3, 0.25, -90, 270)]],
    [[*arc(0.5, 0.28, 0.3, 0.28, 0, -360), (0.76, 0.6), (0.62, 1)]],
]


class Style(NamedTuple):
    """How a digit is drawn: its height and its center in parts of the canvas, the width of the pen in pixels of it."""

    height: float = 0.6
    x: float = 0.5
    y: float = 0.5
    pen: int = 44


DEFAULT = Style()


def draw(tab: Tab, strokes: list[Stroke], style: Style = DEFAULT, *, finger: bool = False) -> None:
    """Draw strokes on the page, by input events of the browser."""
    tab.evaluate(f'document.getElementById("pen").value = {style.pen}')
    left, top, width = locate_paper(tab)
    for stroke in strokes:
        points = [
            (left + width * (style.x + style.height * (x - 0.5)), top + width * (style.y + style.height * (y - 0.5)))
            for x, y in stroke
        ]
        (send_finger if finger else send_mouse)(tab, points)


def locate_paper(tab: Tab) -> tuple[float, float, float]:
    """Return the left and the top edge of the canvas, and its width."""
    box = 'document.getElementById("paper").getBoundingClientRect()'
    left, top, width = tab.evaluate(f"(({{ left, top, width }}) => [left, top, width])({box})")
    return left, top, width


def send_mouse(tab: Tab, points: Stroke) -> None:
    """Press the left button on the first point, move to the others, release it on the last."""
    kinds = ["mousePressed", *(["mouseMoved"] * len(points)), "mouseReleased"]
    positions = [points[0], *points, points[-1]]
    # They are sent at once, as fast as a hand moves: several come within a frame.
    calls = [
        tab.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
        for kind, (x, y) in zip(kinds, positions, strict=True)
    ]
    for call in calls:
        tab.wait(call)


def send_finger(tab: Tab, points: Stroke) -> None:
    """Touch the first point, move to the others, lift the finger."""
    calls = [
        tab.send("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        for kind, (x, y) in zip(["touchStart", *["touchMove"] * (len(points) - 1)], points, strict=True)
    ]
    calls.append(tab.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[]))
    for call in calls:
        tab.wait(call)
