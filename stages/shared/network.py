"""The fully connected network, and the safetensors file of its weights."""

from itertools import pairwise
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from runtime.errors import StageError
from runtime.files import writing
from stages.shared.shapes import CLASSES, PIXELS
from stages.shared.split import load_tensors

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
    weights = load_tensors(path)
    with torch.device("meta"):  # allocates no memory, whatever shapes the file has
        network = build_network(_read_hidden_sizes(weights))
    if _list_types(weights) != _list_types(network.state_dict()):
        raise StageError(f"{path}: not float32 weights of a network from 784 to 10; remove it and run dvc repro")
    if not all(tensor.isfinite().all() for tensor in weights.values()):
        raise StageError(f"{path}: has weights that are NaN or infinite; remove it and run dvc repro")
    network.load_state_dict(weights, assign=True)
    return network


def _read_hidden_sizes(weights: dict[str, Tensor]) -> tuple[int, ...]:
    """Read the hidden sizes from the biases, 1.bias, 3.bias and so on, up to one that is missing or empty."""
    sizes: list[int] = []
    while (bias := weights.get(f"{2 * len(sizes) + 1}.bias")) is not None and bias.numel():
        sizes.append(bias.numel())
    return tuple(sizes[:-1])


def _list_types(weights: dict[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}
