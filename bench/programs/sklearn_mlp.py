"""Train and test the tutorial's network with scikit-learn's MLPClassifier.

The last line of the output is JSON: the seconds of the training, and the test accuracy.

Run: python bench/programs/sklearn_mlp.py RAW sgd 10 0    (as bench/programs/plain.py)
"""

import json
import sys
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

folder, name, epochs, seed = sys.argv[1:]
images, test_images = (
    (np.fromfile(f"{folder}/{split}-images-idx3-ubyte", np.uint8, offset=16).reshape(-1, 784) / np.float32(255) - 0.5)
    / np.float32(0.5)
    for split in ("train", "t10k")
)
labels, test_labels = (
    np.fromfile(f"{folder}/{split}-labels-idx1-ubyte", np.uint8, offset=8) for split in ("train", "t10k")
)
classifier = MLPClassifier(
    (128, 64),
    solver=name,
    learning_rate_init=0.001 if name == "adam" else 0.01,
    momentum=0,
    alpha=0,
    batch_size=64,
    max_iter=int(epochs),
    n_iter_no_change=int(epochs),
    random_state=int(seed),
)
start = time.perf_counter()
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given
    classifier.fit(images, labels)
seconds = time.perf_counter() - start
print(json.dumps({"training_seconds": seconds, "accuracy": classifier.score(test_images, test_labels)}))
