"""The backward pass of the network in numpy: the gradients of autograd, in less than half its time.

All weights are in one tensor and all gradients in another, so that the optimizer updates one tensor instead of six.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from stages.shared.weights import Layer


class Flat(NamedTuple):
    """All weights and biases of a network, or their gradients: as one tensor, and by layer, as views of that tensor."""

    tensor: Tensor
    layers: list[Layer]


def flatten_weights(network: nn.Sequential) -> Flat:
    """Move the weights of `network` into one tensor. The network keeps views of it, and so follows its updates."""
    tensor = parameters_to_vector(network.parameters()).detach()
    vector_to_parameters(tensor, network.parameters())
    shapes = [parameter.shape for parameter in network.parameters()]
    return Flat(tensor, view_layers(tensor, shapes))


def build_gradient(weights: Flat) -> Flat:
    """Build a gradient of zeros."""
    tensor = torch.zeros_like(weights.tensor)
    return Flat(tensor, view_layers(tensor, [array.shape for layer in weights.layers for array in layer]))


def view_layers(tensor: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Layer]:
    """View a tensor as the weights and biases of layers."""
    sizes = [math.prod(shape) for shape in shapes]
    arrays = [piece.view(shape).numpy() for piece, shape in zip(tensor.split(sizes), shapes, strict=True)]
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def backward(
    weights: list[Layer], activations: list[NDArray[Any]], logits_gradient: NDArray[Any], gradient: list[Layer]
) -> None:
    """Write the gradient of the loss into `gradient`, given that with respect to the logits, of shape (n, 10).

    `activations` are those of `forward`. Source: Rumelhart, Hinton and Williams, Learning representations by
    back-propagating errors, Nature 323, 1986.
    """
    outputs_gradient = logits_gradient
    for number in reversed(range(len(weights))):
        weights_gradient, biases_gradient = gradient[number]
        inputs = activations[number]
        np.matmul(outputs_gradient.T, inputs, out=weights_gradient)
        outputs_gradient.sum(axis=0, out=biases_gradient)
        if number > 0:  # the images need no gradient
            outputs_gradient = outputs_gradient @ weights[number][0]
            outputs_gradient *= inputs > 0  # of ReLU
