"""Export the network with its normalization: as an ONNX model, and as a page that classifies what one draws on it.

Reads models/mlp.safetensors, and data/normalized/validation.safetensors, on which its probabilities are calibrated;
writes models/mlp.onnx and models/draw.html.
"""

from pathlib import Path

from stages.shared import numerics
from stages.shared.errors import StageError, writing
from stages.shared.parameters import ExportParameters
from stages.shared.program import run

ONNX_MODEL = Path("models/mlp.onnx")
PAGE = Path("models/draw.html")


def main(_parameters: ExportParameters) -> None:
    """Write both files. Each contains all that is needed to classify a picture; the page runs the ONNX model."""
    numerics.pin("portable")  # before numpy and torch are imported

    from stages.shared import splits
    from stages.shared.calibration import fit_temperature
    from stages.shared.network import MODEL, load_network, predict
    from stages.shared.onnx_model import build_model, check_model, describe_layers
    from stages.shared.page import build_page

    network, dataset = load_network(MODEL)
    validation = splits.read_split(splits.VALIDATION)
    if validation.dataset != dataset:
        raise StageError(f"{MODEL}: trained on other data than {splits.VALIDATION}; run dvc repro")
    temperature = fit_temperature(predict(network, validation.images), validation.labels)
    model = build_model(network, dataset, temperature)
    check_model(model, network, dataset)
    page = build_page(model)
    with writing(ONNX_MODEL):
        ONNX_MODEL.write_bytes(model.SerializeToString(deterministic=True))
    with writing(PAGE):
        PAGE.write_text(page, encoding="utf-8")
    print(f"{ONNX_MODEL}, {PAGE}: {dataset.name}; {describe_layers(network)}; temperature {temperature}")


if __name__ == "__main__":
    run("export", main, ExportParameters)
