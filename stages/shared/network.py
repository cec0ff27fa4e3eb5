"""The fully connected network in PyTorch."""

from itertools import pairwise
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from stages.shared.errors import writing
from stages.shared.shapes import CLASSES, PIXELS


def build_network(hidden_sizes: tuple[int, ...]) -> nn.Sequential:
    """Build a multilayer perceptron: linear layers with ReLU between them.

    It maps images, float32 of shape (n, 28, 28), to logits of shape (n, 10).
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise([PIXELS, *hidden_sizes, CLASSES]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def save_network(path: Path, network: nn.Sequential) -> None:
    """Write the weights and biases to `path`. Their shapes tell the hidden sizes."""
    with writing(path, SafetensorError):
        save_file(network.state_dict(), path)
