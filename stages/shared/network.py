"""The fully connected network, and the safetensors file of its weights."""

import re
from itertools import pairwise
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from runtime.errors import StageError
from runtime.files import writing
from stages.shared.shapes import CLASSES, PIXELS

MODEL = Path("models/mlp.safetensors")


def build_network(hidden_sizes: tuple[int, ...]) -> nn.Sequential:
    """Build a multilayer perceptron: linear layers with ReLU between them.

    It maps images, float32 of shape (n, 28, 28), to logits of shape (n, 10).
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise([PIXELS, *hidden_sizes, CLASSES]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def save_network(path: Path, network: nn.Sequential) -> None:
    """Write the weights and biases to `path`. Their shapes tell `load_network` the hidden sizes."""
    with writing(path, SafetensorError):
        save_file(network.state_dict(), path)


def load_network(path: Path) -> nn.Sequential:
    """Rebuild the network whose weights `save_network` wrote.

    Raises:
        StageError: the file is not safetensors, or not the finite weights of such a network.
    """
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise StageError(f"{path}: not a safetensors file ({error}); remove it and run dvc repro") from None
    biases = [name for name in sorted(weights, key=_layer_number) if name.endswith(".bias")]
    with torch.device("meta"):  # allocates no memory, whatever shapes the file has
        network = build_network(tuple(weights[name].numel() for name in biases[:-1]))
    expected = {name: (tensor.shape, tensor.dtype) for name, tensor in network.state_dict().items()}
    if {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()} != expected:
        raise StageError(f"{path}: not float32 weights of a network from 784 to 10; remove it and run dvc repro")
    if not all(tensor.isfinite().all() for tensor in weights.values()):
        raise StageError(f"{path}: has weights that are NaN or infinite; remove it and run dvc repro")
    network.load_state_dict(weights, assign=True)
    return network


def _layer_number(name: str) -> int:
    digits = re.match(r"\d+", name)
    return int(digits[0]) if digits else -1
