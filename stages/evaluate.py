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
    numerics.pin("portable")  # before numpy and torch are imported

    import numpy as np
    import pandas as pd
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support
    from torch.nn import functional

    from stages.shared import splits
    from stages.shared.metrics import expected_calibration_error
    from stages.shared.misclassified import draw_misclassified
    from stages.shared.network import MODEL, load_network, predict

    test = splits.read_split(splits.TEST)
    network, dataset = load_network(MODEL)
    if test.dataset != dataset:
        raise StageError(f"{MODEL}: trained on other data than {splits.TEST}; run dvc repro")
    logits = predict(network, test.images).double()
    # The cross entropy whatever the loss of the training, so that all runs compare.
    loss = math.fsum(functional.cross_entropy(logits, test.labels, reduction="none").tolist()) / len(test.labels)
    if not math.isfinite(loss):
        raise StageError(f"{MODEL}: the test loss is {loss}, must be a finite number; train with a lower lr")

    labels, predictions = test.labels.numpy(), logits.argmax(dim=1).numpy()
    probabilities = logits.softmax(dim=1).numpy()
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predictions, labels=range(len(dataset.classes)), zero_division=0
    )
    metrics = {
        "accuracy": accuracy_score(labels, predictions),
        "loss": loss,
        "macro_f1": math.fsum(f1) / len(dataset.classes),
        "expected_calibration_error": expected_calibration_error(labels, probabilities),
    }
    classes = pd.DataFrame(
        {"class": dataset.classes, "precision": precision, "recall": recall, "f1": f1, "support": support}
    )
    names = np.array(dataset.classes)
    pairs = pd.DataFrame({"actual": names[labels], "predicted": names[predictions]})
    with writing(METRICS):
        METRICS.write_text(json.dumps(metrics, indent=2) + "\n")
    with writing(CLASS_METRICS):
        classes.to_csv(CLASS_METRICS, index=False)
    with writing(PREDICTIONS):
        pairs.to_csv(PREDICTIONS, index=False)
    with writing(MISCLASSIFIED):
        # Not compressed: the bytes of a compressor differ between its versions.
        draw_misclassified(test.images.numpy(), labels, probabilities, dataset.classes).save(
            MISCLASSIFIED, compress_level=0
        )
    print(f"Test accuracy: {metrics['accuracy']:.2%}")


if __name__ == "__main__":
    run("evaluate", main, EvaluateParameters)
