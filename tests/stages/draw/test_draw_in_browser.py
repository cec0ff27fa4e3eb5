"""Strokes, undo and keys on the page, by the browser's input events."""

import json
from itertools import pairwise

import numpy as np
import pytest

from predict.rules import RULES
from tests.chromium import Tab
from tests.stages.draw.page_actions import click, press, read, see, wait
from tests.stages.draw.strokes import DIGITS, Style, draw, locate_paper, send_finger

EMPTY = "Nothing drawn: no prediction."
ONE, TWO, SEVEN = DIGITS[1], DIGITS[2], DIGITS[7]
LEFT, RIGHT = Style(height=0.3, x=0.25), Style(height=0.3, x=0.75)


def test_empty_page_has_no_prediction(tab: Tab) -> None:
    assert (read(tab, "best"), read(tab, "confidence"), read(tab, "announcement")) == ("?", EMPTY, "")
    assert not see(tab).any()


def test_bars_follow_while_drawing(tab: Tab) -> None:
    left, top, width = locate_paper(tab)
    corner = [(left + width * x, top + width * y) for x, y in ((0.3, 0.3), (0.5, 0.3), (0.5, 0.5), (0.5, 0.7))]
    seen = [see(tab).tobytes()]
    for kind, (x, y) in zip(["mousePressed", "mouseMoved", "mouseMoved", "mouseMoved"], corner, strict=True):
        bars = read(tab, "bars")
        tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
        wait(tab, f"byId('bars').textContent !== {json.dumps(bars)}")
        seen.append(see(tab).tobytes())
        assert read(tab, "best") in set("0123456789")
        assert read(tab, "announcement") == ""  # only when the stroke has ended
    assert len(set(seen)) == 5
    tab.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1)
    wait(tab, "byId('announcement').textContent")
    assert see(tab).tobytes() == seen[-1]
    assert read(tab, "announcement").startswith(f"Prediction: {read(tab, 'best')}, ")


def test_bars_are_the_probabilities(tab: Tab) -> None:
    draw(tab, TWO)
    bars = tab.evaluate("output.rows.map(({ bar }) => Number(/scaleX\\((.*)\\)/.exec(bar.style.transform)[1]))")
    percents = tab.evaluate("output.rows.map(({ percent }) => percent.textContent)")
    assert sum(bars) == pytest.approx(1, abs=1e-4)
    assert percents == [f"{100 * bar:.1f} %" for bar in bars]
    best = int(np.argmax(bars))
    uncertain = ", uncertain" if bars[best] < RULES.certain else ""
    assert (read(tab, "best"), read(tab, "confidence")) == (str(best), f"Probability {percents[best]}{uncertain}")
    assert tab.evaluate('document.querySelector("tr.best th").textContent') == str(best)


def test_stroke_has_the_width_of_the_pen(tab: Tab) -> None:
    for pen in (28, 68):
        tab.evaluate("paper.erase()")
        draw(tab, [[(0.5, 0), (0.5, 1)]], Style(height=0.5, pen=pen))
        ink = tab.evaluate("(({ width, height }) => [width, height])(crop(paper.ink))")
        assert ink == pytest.approx([pen, 280 + pen], abs=2)


def test_stroke_goes_on_outside_of_the_canvas(tab: Tab) -> None:
    draw(tab, [[(0.5, 0.2), (3, 0.2), (3, 0.8)]], Style(height=0.5))
    ink = see(tab)
    assert tab.evaluate("crop(paper.ink).width") > 280  # to the right edge
    assert read(tab, "announcement").startswith("Prediction: ")
    left, top, width = locate_paper(tab)
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=left + width / 2, y=top + width / 2)
    assert (see(tab) == ink).all()  # no button is pressed


def test_click_draws_a_dot(tab: Tab) -> None:
    draw(tab, [[(0.5, 0.5)]], Style(pen=60))
    assert tab.evaluate("(({ width, height }) => [width, height])(crop(paper.ink))") == pytest.approx([60, 60], abs=2)


def test_fast_stroke_has_all_points(tab: Tab) -> None:
    """More than one position within a frame."""
    zigzag = [(number / 20, number % 2) for number in range(21)]
    draw(tab, [zigzag], Style(height=0.8, pen=28))
    assert tab.evaluate("crop(paper.ink).width") == pytest.approx(0.8 * 560 + 28, abs=2)
    fast = see(tab)
    press(tab, "Escape", 27)
    for begin, end in pairwise(zigzag):
        draw(tab, [[begin, end]], Style(height=0.8, pen=28))
    assert abs(see(tab).astype(int) - fast).max() <= 4


def test_second_finger_does_not_draw(tab: Tab) -> None:
    left, top, width = locate_paper(tab)
    path = [(left + width * 0.2, top + width * share) for share in (0.2, 0.5, 0.8)]
    send_finger(tab, path)
    one = see(tab)
    press(tab, "Escape", 27)
    for number, (x, y) in enumerate(path):
        points = [{"x": x, "y": y, "id": 0}, {"x": x + width / 2, "y": y, "id": 1}]
        tab.call("Input.dispatchTouchEvent", type="touchMove" if number else "touchStart", touchPoints=points)
    tab.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert (see(tab) == one).all()


def test_undo_takes_back_strokes_and_clear(tab: Tab) -> None:
    draw(tab, ONE, LEFT)
    first = see(tab)
    draw(tab, SEVEN, RIGHT)
    second = see(tab)
    assert (first != second).any()
    click(tab, "clear")
    assert (read(tab, "best"), read(tab, "announcement")) == ("?", EMPTY)
    press(tab, "Delete", 46)  # nothing to clear, nothing to take back
    for expected in (second, first, np.zeros((28, 28))):
        click(tab, "undo")
        assert (see(tab) == expected).all()
    click(tab, "undo")
    assert read(tab, "announcement") == EMPTY


def test_keys(tab: Tab) -> None:
    for key, code in (("Escape", 27), ("Delete", 46)):
        draw(tab, TWO)
        drawn = see(tab)
        press(tab, key, code)
        assert not see(tab).any()
        press(tab, "z", 90, control=True)
        assert (see(tab) == drawn).all()
