"""Export the network with its normalization: as an ONNX model, and as a page that classifies what one draws on it.

Reads models/mlp.safetensors; writes models/mlp.onnx and models/draw.html.
"""

from pathlib import Path

from stages.shared.classifier import Classifier
from stages.shared.errors import writing
from stages.shared.onnx_model import build_model
from stages.shared.page import build_page
from stages.shared.parameters import ExportParameters
from stages.shared.program import run
from stages.shared.weights import MODEL, read_layers

ONNX_MODEL = Path("models/mlp.onnx")
PAGE = Path("models/draw.html")


def main(parameters: ExportParameters) -> None:
    """Write both files. Each contains all that is needed to classify a picture."""
    classifier = Classifier(read_layers(MODEL), parameters.dataset, parameters.mean, parameters.std)
    with writing(ONNX_MODEL):
        ONNX_MODEL.write_bytes(build_model(classifier))
    with writing(PAGE):
        PAGE.write_text(build_page(classifier), encoding="utf-8")
    print(f"{ONNX_MODEL}, {PAGE}: {classifier.dataset}, {classifier.sizes}")


if __name__ == "__main__":
    run("export", main, ExportParameters)
