"""Train and test the tutorial's network with JAX, each epoch as one compiled `lax.scan`: the fastest program known.

The last line of the output is JSON: the seconds of the training loop without its compilation, and the test accuracy.

Run: python bench/programs/jax_scan.py RAW sgd 10 0    (as bench/programs/plain.py; sgd only)
"""

import json
import sys
import time
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Layers = list[tuple[Any, Any]]  # weights of shape (inputs, outputs), biases of shape (outputs,)

folder, name, epochs, seed = sys.argv[1:]
if name != "sgd":
    sys.exit("error: sgd only")


def read(file: str, offset: int) -> Any:
    """Read the bytes of an IDX file after its header."""
    return np.fromfile(f"{folder}/{file}-ubyte", np.uint8, offset=offset)


images, test_images = (
    (jnp.asarray(read(f"{split}-images-idx3", 16).reshape(-1, 784), jnp.float32) / 255 - 0.5) / 0.5
    for split in ("train", "t10k")
)
labels, test_labels = (jnp.asarray(read(f"{split}-labels-idx1", 8), jnp.int32) for split in ("train", "t10k"))


def init_layers(key: Any) -> Layers:
    """Draw the initial weights and biases as PyTorch does."""
    layers = []
    for inputs, outputs in pairwise((784, 128, 64, 10)):
        key, *keys = jax.random.split(key, 3)
        draw = partial(jax.random.uniform, minval=-(inputs**-0.5), maxval=inputs**-0.5)
        layers.append((draw(keys[0], (inputs, outputs)), draw(keys[1], (outputs,))))
    return layers


def compute_logits(layers: Layers, inputs: Any) -> Any:
    """Compute the logits, of shape (n, 10)."""
    *hidden, (weights, biases) = layers
    for hidden_weights, hidden_biases in hidden:
        inputs = jax.nn.relu(inputs @ hidden_weights + hidden_biases)
    return inputs @ weights + biases


def train_epoch(layers: Layers, images: Any, labels: Any, key: Any) -> tuple[Layers, Any]:
    """Train for an epoch; return the layers and the mean loss of the batches."""

    def mean_loss(layers: Layers, batch: Any) -> Any:
        log_probabilities = jax.nn.log_softmax(compute_logits(layers, images[batch]))
        return -jnp.take_along_axis(log_probabilities, labels[batch][:, None], axis=1).mean()

    def step(layers: Layers, batch: Any) -> tuple[Layers, Any]:
        loss, gradient = jax.value_and_grad(mean_loss)(layers, batch)
        return jax.tree.map(lambda weights, change: weights - 0.01 * change, layers, gradient), loss

    order = jax.random.permutation(key, len(labels))
    whole = len(labels) // 64 * 64
    layers, losses = jax.lax.scan(step, layers, order[:whole].reshape(-1, 64))
    if whole < len(labels):  # the last batch is smaller
        layers, _ = step(layers, order[whole:])
    return layers, losses.mean()


key, layers_key = jax.random.split(jax.random.key(int(seed)))
layers = init_layers(layers_key)
compiled = jax.jit(train_epoch).lower(layers, images, labels, key).compile()
start = time.perf_counter()
for epoch, epoch_key in enumerate(jax.random.split(key, int(epochs)), start=1):
    layers, loss = compiled(layers, images, labels, epoch_key)
    print(f"Epoch {epoch}: loss {loss:.4f}")
seconds = time.perf_counter() - start
accuracy = (compute_logits(layers, test_images).argmax(axis=1) == test_labels).mean().item()
print(json.dumps({"training_seconds": seconds, "accuracy": accuracy}))
