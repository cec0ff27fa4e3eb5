"""The templates of the plots compile with Vega-Lite 5, in DVC's page and in VS Code, and with the bundled version."""

import json
from pathlib import Path
from typing import Any

import pytest
import vl_convert
from dvc_render.vega import VegaRenderer  # type: ignore[import-untyped]

TEMPLATES = Path(".dvc/plots")
VERSIONS = [vl_convert.get_vegalite_versions()[0], "5.21", vl_convert.get_vegalite_versions()[-1]]
POINTS = {
    "curves": [{"step": "1", "loss": "0.5", "filename": "train/loss.tsv", "field": "loss", "rev": "main"}],
    "confusion_matrix": [{"actual": "1", "predicted": "7", "rev": "main"}],
    "class_bars": [{"class": "1", "f1": "0.9", "rev": "main"}],
}
AXES = {"curves": ("step", "loss"), "confusion_matrix": ("predicted", "actual"), "class_bars": ("f1", "class")}


def make_renderer(template: str) -> VegaRenderer:
    """Return DVC's renderer of a template, with one point of data."""
    x, y = AXES[template]
    return VegaRenderer(POINTS[template], "plot", template=template, template_dir=TEMPLATES, x=x, y=y, title="Title")


def fill_as_in_vscode(template: str) -> dict[str, Any]:
    """Fill a template as the extension does: the size is that of the container, and there is no legend of colors."""
    content, definitions = make_renderer(template).get_partial_filled_template()
    text = json.dumps(content)
    for anchor, value in definitions["anchor_definitions"].items():
        if anchor in {"<DVC_METRIC_PLOT_WIDTH>", "<DVC_METRIC_PLOT_HEIGHT>"}:
            text = text.replace(anchor, "container")
        elif isinstance(value, str):
            text = text.replace(anchor, value)
        else:
            filled = value | {"legend": None} if anchor == "<DVC_METRIC_COLOR>" else value
            text = text.replace(f'"{anchor}"', json.dumps(filled))
    filled_template: dict[str, Any] = json.loads(text)
    return filled_template


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("template", POINTS)
def test_compiles(template: str, version: str, capfd: pytest.CaptureFixture[str]) -> None:
    specification = make_renderer(template).get_filled_template()
    assert specification["$schema"].endswith("/v5.json")
    assert "<DVC_" not in json.dumps(specification)
    vl_convert.vegalite_to_vega(specification, vl_version=version, show_warnings=True)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("template", POINTS)
def test_takes_the_size_of_vscode(template: str, capfd: pytest.CaptureFixture[str]) -> None:
    specification = fill_as_in_vscode(template)
    assert "<DVC_" not in json.dumps(specification)
    vega = vl_convert.vegalite_to_vega(specification, vl_version="5.21", show_warnings=True)
    sizes = [signal["name"] for signal in vega.get("signals", ()) if "containerSize" in json.dumps(signal)]
    # Vega-Lite has no "container" for a facet, which VS Code shows in its own size.
    assert sizes == ([] if "facet" in specification else ["width", "height"])
    assert capfd.readouterr() == ("", "")
