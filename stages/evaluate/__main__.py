"""Evaluate the network on the test set.

Reads data/normalized/test.safetensors and models/mlp.safetensors; writes metrics/metrics.json, metrics/classes.csv,
metrics/predictions.csv and metrics/mistakes.png.

Run: dvc repro evaluate
"""

import json
import math
from pathlib import Path

from stages.shared import numerics, stage
from stages.shared.files import writing
from stages.shared.parameters import confirm_all_parameters
from stages.shared.shapes import CLASSES
from stages.shared.stage import StageError

METRICS = Path("metrics/metrics.json")
CLASS_METRICS = Path("metrics/classes.csv")
PREDICTIONS = Path("metrics/predictions.csv")
MISTAKES = Path("metrics/mistakes.png")


def main() -> None:
    """Score the test set and write what came out."""
    numerics.pin("portable")  # first: numpy and torch take it as they are loaded

    import pandas as pd
    import torch
    from torch.nn import functional

    from stages.evaluate.mistakes import draw_mistakes
    from stages.evaluate.scores import expected_calibration_error, mean_cross_entropy, tabulate_classes
    from stages.shared import split
    from stages.shared.network import MODEL, load_network

    images, labels = split.read_split(split.TEST)
    network = load_network(MODEL)
    with torch.inference_mode():
        logits = network(torch.from_numpy(images))
    loss = mean_cross_entropy(logits, torch.from_numpy(labels))
    if not math.isfinite(loss):
        raise StageError(f"{MODEL}: gives a test loss of {loss}, must be a finite number; train with a lower lr")
    probabilities = functional.softmax(logits, dim=1).numpy()
    predicted = probabilities.argmax(axis=1)
    class_metrics = tabulate_classes(labels, predicted)
    metrics = {
        "accuracy": float((predicted == labels).mean()),
        "loss": loss,
        "macro_f1": math.fsum(class_metrics["f1"]) / CLASSES,
        "expected_calibration_error": expected_calibration_error(labels, probabilities),
    }
    confirm_all_parameters()
    with writing(METRICS):
        METRICS.write_text(json.dumps(metrics, indent=2) + "\n")
    with writing(CLASS_METRICS):
        class_metrics.to_csv(CLASS_METRICS, lineterminator="\n")
    with writing(PREDICTIONS):
        predictions = pd.DataFrame({"actual": labels, "predicted": predicted})
        predictions.to_csv(PREDICTIONS, index=False, lineterminator="\n")
    with writing(MISTAKES):
        # Not compressed: compressors differ from machine to machine, and so would the bytes.
        draw_mistakes(images, labels, probabilities).save(MISTAKES, compress_level=0)
    print(f"Test accuracy: {metrics['accuracy']:.2%}")


if __name__ == "__main__":
    stage.run(main)
