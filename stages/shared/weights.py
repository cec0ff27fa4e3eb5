"""The safetensors file of the network's weights, read without torch."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.shared.errors import StageError
from stages.shared.shapes import CLASSES, PIXELS
from stages.shared.tensor_file import ADVICE, Types, read_tensor, read_types

MODEL = Path("models/mlp.safetensors")

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]  # weight of shape (outputs, inputs), bias of shape (outputs,)


def name_layer(number: int) -> tuple[str, str]:
    """Name the weight and bias of layer 0, 1, ... by their place in the modules: Flatten, Linear, ReLU, Linear, ..."""
    return f"{2 * number + 1}.weight", f"{2 * number + 1}.bias"


def read_layers(path: Path) -> list[Layer]:
    """Read the layers of a network from 784 inputs to 10 outputs. No tensor is loaded before all shapes are known.

    Raises:
        StageError: the file is not safetensors, or not the finite weights of such a network.
    """
    types = read_types(path)
    sizes = _read_sizes(types)
    if types != _list_types(sizes) or sizes[-1] != CLASSES:
        raise StageError(f"{path}: not float32 weights of a network from 784 to 10; {ADVICE}")
    tensors = [read_tensor(path, name, np.float32) for number in range(len(sizes) - 1) for name in name_layer(number)]
    layers: list[Layer] = list(zip(tensors[::2], tensors[1::2], strict=True))
    if not all(np.isfinite(tensor).all() for layer in layers for tensor in layer):
        raise StageError(f"{path}: has weights that are NaN or infinite; {ADVICE}")
    return layers


def _read_sizes(types: Types) -> list[int]:
    """Read the inputs, and the outputs of each layer from the biases, up to one that is missing or empty."""
    sizes = [PIXELS]
    while (bias := types.get(name_layer(len(sizes) - 1)[1])) and len(bias[1]) == 1 and bias[1][0]:
        sizes += bias[1]
    return sizes


def _list_types(sizes: list[int]) -> Types:
    """List what a file with the layers of these sizes has."""
    types: Types = {}
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        weight, bias = name_layer(number)
        types |= {weight: ("F32", [outputs, inputs]), bias: ("F32", [outputs])}
    return types
