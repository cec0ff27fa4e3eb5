"""The page models/draw.html: one file with the network in it, that needs neither a server nor a network connection."""

import base64
import hashlib
import html
import json
from pathlib import Path
from string import Template
from typing import Any

from onnx import AttributeProto, ModelProto, TensorProto, helper, numpy_helper

from predict.rules import RULES, are_digits

SOURCES = Path(__file__).parent / "draw"
STYLES = ("page.css", "input.css", "output.css", "wide.css")
NETWORK = ("operators.js", "windows.js", "network.js")
PICTURES = ("pixels.js", "prepare.js", "strokes.js", "background.js", "marks.js", "ink.js", "picture.js")
SCRIPTS = (*NETWORK, *PICTURES, "paper.js", "output.js", "main.js")
# What the page calls a data set, and what it asks for; without an entry, its name in params.yaml, and a picture.
TEXTS = {
    "mnist": ("MNIST", "Draw a digit"),
    "fashion_mnist": ("Fashion-MNIST", "Drop a picture of clothing"),
    "kmnist": ("KMNIST", "Draw a Hiragana character"),
    "digits": ("the digits of scikit-learn", "Draw a digit"),
    "folder": ("own pictures", "Draw a picture"),
}
PLACES = {"mass": "by its center of mass", "box": "in their center"}


def build_page(model: ModelProto) -> str:
    """Build the page of an ONNX model from its sources in stages/shared/draw.

    It may load nothing, and run only the script that is in it: the policy names their SHA-256.
    """
    style = "\n".join(map(_read, STYLES))
    rules = json.dumps(RULES._asdict())
    script = f'"use strict";\nconst RULES = {rules};\n' + "\n".join(map(_read, SCRIPTS))
    policy = f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:"
    return Template(_read("page.html")).substitute(
        {name: html.escape(text, quote=False) for name, text in _describe(model).items()},
        policy=policy,
        style=style,
        script=script,
        model=json.dumps(_encode(model), ensure_ascii=False).replace("<", "\\u003c"),
    )


def _read(name: str) -> str:
    return (SOURCES / name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """Name an inline source in a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _describe(model: ModelProto) -> dict[str, str]:
    """List the texts of the page."""
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    dataset, heading = TEXTS.get(metadata["dataset"], (metadata["dataset"], "Draw a picture"))
    height, width = _list_sides(model)[:2]
    preparation = ""
    if "ink_size" in metadata:
        size, place = metadata["ink_size"], PLACES[metadata["ink_center"]]
        box, image = f"{size} x {size}", f"{width} x {height}"
        preparation = f"The ink is cropped, scaled to fit {box} pixels, and placed in {image} pixels {place}."
    classes = json.loads(metadata["classes"])
    return {
        "dataset": dataset,
        "heading": heading,
        "layers": metadata["layers"],
        "parameters": f"{int(metadata['parameters']):,}",
        "mean": metadata["mean"],
        "std": metadata["std"],
        "preparation": preparation,
        "classes": str(len(classes)),
        "output_class": " names" if max(map(len, classes)) > 1 else "",
    }


def _list_sides(model: ModelProto) -> list[int]:
    """List height and width of an image, and its channels if there are several."""
    return [side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim[1:]]


def _encode(model: ModelProto) -> dict[str, Any]:
    """Convert what the script reads to values of JSON."""
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    ink = {"size": int(metadata["ink_size"]), "center": metadata["ink_center"]} if "ink_size" in metadata else None
    classes = json.loads(metadata["classes"])
    return {
        "shape": _list_sides(model),
        "classes": classes,
        "ink": ink,
        "digits": ink is not None and are_digits(classes),
        "temperature": float(metadata["temperature"]),
        "nodes": [
            {
                "operator": node.op_type,
                "inputs": list(node.input),
                "output": node.output[0],
                "attributes": {attribute.name: _encode_attribute(attribute) for attribute in node.attribute},
            }
            for node in model.graph.node
        ],
        "constants": {tensor.name: _encode_tensor(tensor) for tensor in model.graph.initializer},
    }


def _encode_attribute(attribute: AttributeProto) -> int | float | str | list[int]:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, int | float) else list(value)


def _encode_tensor(tensor: TensorProto) -> dict[str, Any]:
    """Encode float32 values as base64, little endian; others as a list."""
    values = numpy_helper.to_array(tensor)
    encoded = (
        base64.b64encode(values.astype("<f4").tobytes()).decode()
        if values.dtype == "float32"
        else values.ravel().tolist()
    )
    return {"shape": list(values.shape), "values": encoded}
