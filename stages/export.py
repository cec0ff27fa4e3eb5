"""Export the network with its normalization: as an ONNX model, and as a page that classifies what one draws on it.

Reads models/mlp.safetensors; writes models/mlp.onnx and models/draw.html.
"""

from pathlib import Path

from stages.shared.errors import writing
from stages.shared.network import MODEL, load_network
from stages.shared.onnx_model import build_model, check_model, describe_layers
from stages.shared.page import build_page
from stages.shared.parameters import ExportParameters
from stages.shared.program import run

ONNX_MODEL = Path("models/mlp.onnx")
PAGE = Path("models/draw.html")


def main(_parameters: ExportParameters) -> None:
    """Write both files. Each contains all that is needed to classify a picture; the page runs the ONNX model."""
    network, dataset = load_network(MODEL)
    model = build_model(network, dataset)
    check_model(model, network, dataset)
    page = build_page(model)
    with writing(ONNX_MODEL):
        ONNX_MODEL.write_bytes(model.SerializeToString(deterministic=True))
    with writing(PAGE):
        PAGE.write_text(page, encoding="utf-8")
    print(f"{ONNX_MODEL}, {PAGE}: {dataset.name}; {describe_layers(network)}")


if __name__ == "__main__":
    run("export", main, ExportParameters)
