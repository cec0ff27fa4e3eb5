"""The page models/draw.html: one file with the network in it, that needs neither a server nor a network connection."""

import base64
import hashlib
import html
import json
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import NDArray

from stages.shared.classifier import Classifier
from stages.shared.parameters import DatasetName
from stages.shared.shapes import IMAGE_SIZE

SOURCES = Path(__file__).parent / "draw"
STYLES = ("page.css", "input.css", "output.css", "wide.css")
SCRIPTS = ("network.js", "prepare.js", "picture.js", "paper.js", "output.js", "main.js")
# What the page calls the data set, and what it asks for.
TEXTS: dict[DatasetName, tuple[str, str]] = {
    "mnist": ("MNIST", "Draw a digit"),
    "fashion_mnist": ("Fashion-MNIST", "Drop a picture of clothing"),
    "kmnist": ("KMNIST", "Draw a Hiragana character"),
    "digits": ("the digits of scikit-learn", "Draw a digit"),
}
PLACES = {"mass": "by its center of mass", "box": "in their center"}


def build_page(classifier: Classifier) -> str:
    """Build the page from its sources in stages/shared/draw.

    It may load nothing, and run only the script that is in it: the policy names their SHA-256.
    """
    style = "\n".join(map(_read, STYLES))
    script = '"use strict";\n' + "\n".join(map(_read, SCRIPTS))
    policy = f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:"
    texts = {"policy": policy, **_describe(classifier)}
    return Template(_read("page.html")).substitute(
        {name: html.escape(text, quote=False) for name, text in texts.items()},
        style=style,
        script=script,
        classifier=_encode(classifier),
    )


def _read(name: str) -> str:
    return (SOURCES / name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """Name an inline source in a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _describe(classifier: Classifier) -> dict[str, str]:
    """List the texts of the page."""
    dataset, heading = TEXTS[classifier.dataset]
    size = classifier.ink_size
    return {
        "dataset": dataset,
        "heading": heading,
        "sizes": classifier.sizes,
        "parameters": f"{sum(weight.size + bias.size for weight, bias in classifier.layers):,}",
        "mean": str(classifier.mean),
        "std": str(classifier.std),
        "preparation": f"The ink is cropped, scaled to fit {size} x {size} pixels, and placed in "
        f"{IMAGE_SIZE} x {IMAGE_SIZE} pixels {PLACES[classifier.ink_center]}.",
        "output_class": " names" if max(map(len, classifier.classes)) > 1 else "",
    }


def _encode(classifier: Classifier) -> str:
    """Encode what the script reads as JSON; weights are base64 of float32, little endian, row by row."""

    def encode(values: NDArray[np.float32]) -> str:
        return base64.b64encode(values.astype("<f4").tobytes()).decode()

    content = {
        "classes": classifier.classes,
        "mean": classifier.mean,
        "std": classifier.std,
        "inkSize": classifier.ink_size,
        "inkCenter": classifier.ink_center,
        "layers": [{"weight": encode(weight), "bias": encode(bias)} for weight, bias in classifier.layers],
    }
    return json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")
