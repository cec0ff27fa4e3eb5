"""Train the same network with scikit-learn's MLPClassifier.

The last line of the output is JSON: the seconds of the training and the test accuracy.

Run: python -m bench.sklearn_program FOLDER    (FOLDER contains train.safetensors and test.safetensors)
"""

import argparse
import json
import time
import warnings
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from stages.shared.shapes import PIXELS
from stages.shared.split import read_split


def main() -> None:
    """Train, test, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    images, labels = read_split(arguments.folder / "train.safetensors")
    test_images, test_labels = read_split(arguments.folder / "test.safetensors")
    classifier = build_classifier(arguments.epochs, arguments.seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given
        classifier.fit(images.reshape(-1, PIXELS), labels)
    training_seconds = time.perf_counter() - start
    accuracy = classifier.score(test_images.reshape(-1, PIXELS), test_labels)
    print(json.dumps({"training_seconds": training_seconds, "accuracy": accuracy}))


def build_classifier(epochs: int, seed: int) -> MLPClassifier:
    """Build the tutorial's network and SGD, without scikit-learn's momentum, weight decay and early stopping."""
    return MLPClassifier(
        (128, 64),
        solver="sgd",
        learning_rate_init=0.01,
        momentum=0,
        alpha=0,
        batch_size=64,
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=seed,
    )


if __name__ == "__main__":
    main()
