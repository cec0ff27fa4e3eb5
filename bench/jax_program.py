"""Train the same network with JAX, each epoch as one compiled `lax.scan`: the fastest program that we know of.

It runs in an environment of its own (bench/requirements.txt). The last line of the output is JSON: the seconds of the
training loop, those of its compilation, which come before it, and the test accuracy.

Run: .venv-jax/bin/python bench/jax_program.py FOLDER    (FOLDER contains train.safetensors and test.safetensors)
"""

import argparse
import json
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from safetensors.numpy import load_file

LAYER_SIZES = (784, 128, 64, 10)
BATCH_SIZE = 64
LEARNING_RATE = 0.01

Layers = list[tuple[Any, Any]]  # weights of shape (inputs, outputs), biases of shape (outputs,)


def main() -> None:
    """Compile, train, test, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    images, labels = load(arguments.folder / "train.safetensors")
    key, layers_key = jax.random.split(jax.random.key(arguments.seed))
    layers = init_layers(layers_key)
    start = time.perf_counter()
    compiled = jax.jit(train_epoch).lower(layers, images, labels, key).compile()
    compile_seconds = time.perf_counter() - start
    start = time.perf_counter()
    for epoch_key in jax.random.split(key, arguments.epochs):
        layers, loss = compiled(layers, images, labels, epoch_key)
        print(f"Loss: {loss:.4f}")
    training_seconds = time.perf_counter() - start
    test_images, test_labels = load(arguments.folder / "test.safetensors")
    accuracy = (compute_logits(layers, test_images).argmax(axis=1) == test_labels).mean().item()
    report = {"training_seconds": training_seconds, "compile_seconds": compile_seconds, "accuracy": accuracy}
    print(json.dumps(report))


def load(path: Path) -> tuple[Any, Any]:
    """Load images, of shape (n, 784), and labels, of shape (n,)."""
    tensors = load_file(path)
    return jnp.asarray(tensors["images"].reshape(-1, LAYER_SIZES[0])), jnp.asarray(tensors["labels"], jnp.int32)


def init_layers(key: Any) -> Layers:
    """Draw the initial weights and biases as PyTorch does."""
    layers = []
    for inputs, outputs in pairwise(LAYER_SIZES):
        key, *keys = jax.random.split(key, 3)
        draw = partial(jax.random.uniform, minval=-(inputs**-0.5), maxval=inputs**-0.5)
        layers.append((draw(keys[0], (inputs, outputs)), draw(keys[1], (outputs,))))
    return layers


def compute_logits(layers: Layers, images: Any) -> Any:
    """Compute the logits, of shape (n, 10)."""
    *hidden, (weights, biases) = layers
    for hidden_weights, hidden_biases in hidden:
        images = jax.nn.relu(images @ hidden_weights + hidden_biases)
    return images @ weights + biases


def mean_loss(layers: Layers, images: Any, labels: Any) -> Any:
    """Compute the mean cross entropy."""
    log_probabilities = jax.nn.log_softmax(compute_logits(layers, images))
    return -jnp.take_along_axis(log_probabilities, labels[:, None], axis=1).mean()


def train_epoch(layers: Layers, images: Any, labels: Any, key: Any) -> tuple[Layers, Any]:
    """Train for an epoch; return the layers and the mean loss of the batches."""

    def step(layers: Layers, batch: Any) -> tuple[Layers, Any]:
        loss, gradient = jax.value_and_grad(mean_loss)(layers, images[batch], labels[batch])
        return jax.tree.map(lambda weights, change: weights - LEARNING_RATE * change, layers, gradient), loss

    order = jax.random.permutation(key, len(labels))
    whole = len(labels) // BATCH_SIZE * BATCH_SIZE
    layers, losses = jax.lax.scan(step, layers, order[:whole].reshape(-1, BATCH_SIZE))
    if whole < len(labels):  # the last batch is smaller
        layers, _ = step(layers, order[whole:])
    return layers, losses.mean()


if __name__ == "__main__":
    main()
