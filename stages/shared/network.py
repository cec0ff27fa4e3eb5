"""The fully connected network, and the safetensors file of its weights."""

from itertools import pairwise
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from runtime.files import writing
from stages.shared.shapes import CLASSES, PIXELS
from stages.shared.weights import name_layer, read_layers


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
    layers = read_layers(path)
    with torch.device("meta"):  # its weights are replaced
        network = build_network(tuple(len(bias) for _, bias in layers[:-1]))
    tensors = {
        name: torch.from_numpy(tensor)
        for number, layer in enumerate(layers)
        for name, tensor in zip(name_layer(number), layer, strict=True)
    }
    network.load_state_dict(tensors, assign=True)
    return network
