"""Evaluate the network on the test set.

Reads data/normalized/test.safetensors and models/mlp.safetensors; writes metrics/metrics.json, metrics/classes.csv,
metrics/predictions.csv and metrics/misclassified.png.
"""

import json
import math
from pathlib import Path

from stages.shared import numerics
from stages.shared.errors import StageError, writing
from stages.shared.parameters import EvaluateParameters
from stages.shared.program import run

METRICS = Path("metrics/metrics.json")
CLASS_METRICS = Path("metrics/classes.csv")
PREDICTIONS = Path("metrics/predictions.csv")
MISCLASSIFIED = Path("metrics/misclassified.png")


def main(_parameters: EvaluateParameters) -> None:
    """Compute the metrics of the test set, and write them with what they are computed from."""
    numerics.pin("portable")  # before numpy is imported

    import numpy as np
    import pandas as pd

    from stages.shared import splits
    from stages.shared.forward import forward
    from stages.shared.misclassified import draw_misclassified
    from stages.shared.scores import (
        exp,
        expected_calibration_error,
        log_softmax,
        mean_cross_entropy,
        tabulate_classes,
    )
    from stages.shared.shapes import CLASSES
    from stages.shared.weights import MODEL, read_layers

    images, labels = splits.read_split(splits.TEST)
    with np.errstate(over="ignore", invalid="ignore"):  # of weights that are too large, the loss is not finite
        logits = forward(read_layers(MODEL), images)[-1]
        log_probabilities = log_softmax(logits)
    loss = mean_cross_entropy(log_probabilities, labels)
    if not math.isfinite(loss):
        raise StageError(f"{MODEL}: the test loss is {loss}, must be a finite number; train with a lower lr")
    probabilities = exp(log_probabilities)
    predictions = logits.argmax(axis=1)
    class_metrics = tabulate_classes(labels, predictions)
    metrics = {
        "accuracy": float((predictions == labels).mean()),
        "loss": loss,
        "macro_f1": math.fsum(class_metrics["f1"]) / CLASSES,
        "expected_calibration_error": expected_calibration_error(labels, probabilities),
    }
    with writing(METRICS):
        METRICS.write_text(json.dumps(metrics, indent=2) + "\n")
    with writing(CLASS_METRICS):
        class_metrics.to_csv(CLASS_METRICS, lineterminator="\n")
    with writing(PREDICTIONS):
        table = pd.DataFrame({"actual": labels, "predicted": predictions})
        table.to_csv(PREDICTIONS, index=False, lineterminator="\n")
    with writing(MISCLASSIFIED):
        # Not compressed: the bytes of a compressor differ between its versions.
        draw_misclassified(images, labels, probabilities).save(MISCLASSIFIED, compress_level=0)
    print(f"Test accuracy: {metrics['accuracy']:.2%}")


if __name__ == "__main__":
    run("evaluate", main, EvaluateParameters)
