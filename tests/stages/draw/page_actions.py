"""What the tests of the page in a browser do with it: read, press, click, wait."""

import time

import numpy as np
from numpy.typing import NDArray

from tests.chromium import Tab
from tests.stages.draw.strokes import send_mouse


def read(tab: Tab, name: str) -> str:
    return str(tab.evaluate(f'document.getElementById("{name}").textContent'))


def see(tab: Tab) -> NDArray[np.uint8]:
    """Return the image that the page shows as what the network sees."""
    pixels = tab.evaluate("""(() => {
      const copy = new OffscreenCanvas(28, 28).getContext("2d", { willReadFrequently: true });
      copy.drawImage(output.seen.canvas, 0, 0);
      return [...copy.getImageData(0, 0, 28, 28).data];
    })()""")
    return np.array(pixels, np.uint8).reshape(28, 28, 4)[:, :, 0]


def wait(tab: Tab, condition: str) -> None:
    """Wait until an expression of JavaScript is true."""
    deadline = time.monotonic() + 10
    while not tab.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < deadline, condition
        time.sleep(0.01)


def press(tab: Tab, key: str, code: int, *, control: bool = False) -> None:
    common = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 2 if control else 0}
    tab.call("Input.dispatchKeyEvent", type="keyDown", **common)
    tab.call("Input.dispatchKeyEvent", type="keyUp", **common)


def click(tab: Tab, name: str) -> None:
    box = f'document.getElementById("{name}").getBoundingClientRect()'
    send_mouse(tab, [tab.evaluate(f"(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])({box})")])
