"""The page for everyone: screen readers, the keyboard, contrast, a phone's screen, reduced motion; and its policy."""

import re

import pytest

from stages.shared.datasets import DATASETS
from tests.chromium import Tab
from tests.stages.conftest import DATASET
from tests.stages.draw.conftest import OpenPage
from tests.stages.draw.strokes import DIGITS, Style, draw
from tests.stages.networks import NETWORKS

# Lists each text of the page with its color and the color behind it.
COLORS = """[...document.querySelectorAll("body *")].flatMap((element) => {
  const text = [...element.childNodes].find((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (!text || !element.checkVisibility() || element.closest("script, style, .hidden")) return [];
  let back = element;
  while (getComputedStyle(back).backgroundColor === "rgba(0, 0, 0, 0)") back = back.parentElement;
  return [[text.data.trim(), getComputedStyle(element).color, getComputedStyle(back).backgroundColor]];
})"""
EDGES = """[".paper", "button", ".button", "#seen"].map((name) => {
  const element = document.querySelector(name);
  let back = element.parentElement;
  while (getComputedStyle(back).backgroundColor === "rgba(0, 0, 0, 0)") back = back.parentElement;
  return [name, getComputedStyle(element).borderTopColor, getComputedStyle(back).backgroundColor];
})"""


SHOW = "((probabilities) => output.show([{ image: new Uint8Array(784), probabilities }]))"


def emulate(tab: Tab, **features: str) -> None:
    media = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    tab.call("Emulation.setEmulatedMedia", features=media)


def contrast(first: str, second: str) -> float:
    """Compute the contrast of two colors: WCAG 2.2, "contrast ratio"."""
    low, high = sorted(luminance(color) for color in (first, second))
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    channels = [int(value) / 255 for value in re.findall(r"\d+", color)]
    assert len(channels) == 3, color
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("drawn", [False, True], ids=["empty", "drawn"])
def test_contrast(tab: Tab, scheme: str, *, drawn: bool) -> None:
    emulate(tab, prefers_color_scheme=scheme)
    if drawn:
        draw(tab, DIGITS[3])
        tab.evaluate('output.showError("An error.")')
    colors = tab.evaluate(COLORS)
    assert len(colors) > 40
    assert {"Network input", "Undo", "An error." if drawn else "Draw a digit here"} <= {text for text, *_ in colors}
    assert [(text, front, back) for text, front, back in colors if contrast(front, back) < 4.5] == []
    assert [(name, edge, back) for name, edge, back in tab.evaluate(EDGES) if contrast(edge, back) < 3] == []
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(background) > 0.5) == (scheme == "light")


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist", "kmnist"])
def test_phone_does_not_scroll_sideways(open_page: OpenPage, dataset: str) -> None:
    changes = {"name": dataset, "classes": DATASETS[dataset].classes}
    tab = open_page(NETWORKS["MLP"](), DATASET.model_copy(update=changes))
    tab.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=3, mobile=True)
    draw(tab, DIGITS[7], finger=True)
    tab.evaluate('output.showError("a-long-name-of-a-picture-from-a-phone-20261125_190358_HDR.jpg: not an image.")')
    for best in range(10):
        tab.evaluate(f"{SHOW}(Array(10).fill(0).with({best}, 1))")
        assert tab.evaluate("byId('best').scrollWidth <= byId('best').clientWidth")
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert tab.evaluate('document.querySelector(".controls").clientHeight') < 60  # one row


@pytest.mark.parametrize("width", [390, 1400])
def test_bars_do_not_move(tab: Tab, width: int) -> None:
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=False)
    places = []
    for best in (0.1, 1):
        tab.evaluate(f"{SHOW}([{best}, ...Array(9).fill((1 - {best}) / 9)])")
        rows = "output.rows.map(({ row, bar }) => [row.offsetTop, bar.offsetLeft, bar.offsetWidth])"
        places.append(tab.evaluate(rows))
    assert places[0] == places[1]


def test_finger_draws_and_does_not_scroll(tab: Tab) -> None:
    tab.call("Emulation.setDeviceMetricsOverride", width=390, height=600, deviceScaleFactor=3, mobile=True)
    draw(tab, [[(0.5, 1), (0.5, 0.75), (0.5, 0.5), (0.5, 0.25), (0.5, 0)]], Style(height=0.8), finger=True)
    assert tab.evaluate("scrollY") == 0
    assert tab.evaluate("crop(paper.ink).height") > 450


def test_screen_reader_finds_names(tab: Tab) -> None:
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    found = [(node["role"]["value"], node["name"]["value"]) for node in nodes if not node["ignored"] and "name" in node]
    for role, name in [
        ("heading", "Draw a digit"),
        ("image", "Drawing area for mouse, finger or pen"),
        ("image", "28 x 28 pixels"),
        ("button", "Undo"),
        ("button", "Clear"),
        ("button", "Picture…"),
        ("slider", "Pen width"),
        ("table", "Probability of each class"),
        ("rowheader", "7"),
    ]:
        assert (role, name) in found, name
    assert [role for role, name in found if role in {"button", "slider", "image", "table"} and not name] == []
    live = [node for node in nodes if node["role"]["value"] == "status"]
    values = [{item["name"]: item["value"]["value"] for item in node["properties"]} for node in live]
    assert [value["live"] for value in values] == ["polite", "polite"]


def test_tab_reaches_all_controls(tab: Tab) -> None:
    reached = []
    for _ in range(4):
        tab.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
        tab.call("Input.dispatchKeyEvent", type="keyUp", key="Tab", windowsVirtualKeyCode=9)
        reached.append(tab.evaluate("document.activeElement.id"))
        outlined = 'document.activeElement.closest(".button") ?? document.activeElement'
        assert tab.evaluate(f"getComputedStyle({outlined}).outlineStyle") == "solid"
    assert reached == ["undo", "clear", "picture", "pen"]


def test_reduced_motion(tab: Tab) -> None:
    duration = "getComputedStyle(output.rows[0].bar).transitionDuration"
    emulate(tab, prefers_reduced_motion="no-preference")
    assert tab.evaluate(duration) != "0s"
    emulate(tab, prefers_reduced_motion="reduce")
    assert tab.evaluate(duration) == "0s"


def test_policy_blocks_other_scripts_and_requests(tab: Tab) -> None:
    blocked = tab.evaluate("""(async () => {
      const blocked = [];
      document.addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      new Image().src = "https://example.com/pixel.png";
      await fetch("https://example.com/").catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 50));
      return [window.ran === true, ...blocked.sort()];
    })()""")
    assert blocked == [False, "connect-src", "img-src", "script-src-elem"]
    assert {failed["blockedReason"] for failed in tab.list_events("Network.loadingFailed")} == {"csp"}
    requests = [event for event in tab.events if event["method"] == "Network.requestWillBeSent"]
    tab.events = requests[:1]  # of the page
