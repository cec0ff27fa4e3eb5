"""A faster form of the network for training: all weights in one tensor, gradients computed without autograd.

The gradients equal those of autograd. The optimizer updates one tensor instead of six, and the matrix products are
numpy's (OpenBLAS): with the same kernel on every processor they are as fast as torch's fastest, while torch's portable
kernels take almost twice as long (bench/NOTES.md).
"""

from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.utils import parameters_to_vector, vector_to_parameters

Layer = tuple[NDArray[Any], NDArray[Any]]  # weights of shape (outputs, inputs), biases of shape (outputs,)

ignore_overflow = np.errstate(over="ignore", invalid="ignore")  # if training diverges, the loss is not finite


class FlatNetwork(nn.Module):
    """A replacement for a network of `build_network` during training. The two share their weights.

    It maps images, float32 of shape (n, 28, 28), to logits of shape (n, 10).
    """

    def __init__(self, network: nn.Sequential) -> None:
        """Move the weights of `network` into one tensor, and replace them by views of it."""
        super().__init__()
        self.weights = nn.Parameter(parameters_to_vector(network.parameters()).detach())
        vector_to_parameters(self.weights.data, network.parameters())
        self.shapes = [parameter.shape for parameter in network.parameters()]
        bounds = pairwise(accumulate((shape.numel() for shape in self.shapes), initial=0))
        self.slices = [slice(*bound) for bound in bounds]
        self.layers = self.view_layers(self.weights.detach())

    def view_layers(self, vector: Tensor) -> list[Layer]:
        """View a vector of all weights, or of all gradients, as layers."""
        array = vector.numpy()
        pieces = [array[part].reshape(shape) for part, shape in zip(self.slices, self.shapes, strict=True)]
        return list(zip(pieces[::2], pieces[1::2], strict=True))

    def forward(self, images: Tensor) -> Tensor:
        """Compute the logits."""
        logits: Tensor = _Layers.apply(self, self.weights, images.flatten(1))  # type: ignore[no-untyped-call]
        return logits


class _Layers(Function):
    """Linear layers with ReLU between them. There is no gradient for the images.

    Source: Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, Nature 323, 1986.
    """

    @staticmethod
    @ignore_overflow
    def forward(ctx: Any, network: FlatNetwork, _weights: Tensor, images: Tensor) -> Tensor:
        activations = [images.numpy()]
        for number, (weights, biases) in enumerate(network.layers, start=1):
            activation = activations[-1] @ weights.T
            activation += biases
            if number < len(network.layers):
                np.maximum(activation, 0, out=activation)
            activations.append(activation)
        ctx.network, ctx.inputs = network, activations[:-1]
        return torch.from_numpy(activations[-1])

    @staticmethod
    @ignore_overflow
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None]:
        vector = torch.empty_like(ctx.network.weights)
        gradient = gradients[0].numpy()
        for (weights, _), (weights_gradient, biases_gradient), inputs in zip(
            reversed(ctx.network.layers), reversed(ctx.network.view_layers(vector)), reversed(ctx.inputs), strict=True
        ):
            np.matmul(gradient.T, inputs, out=weights_gradient)
            gradient.sum(axis=0, out=biases_gradient)
            if inputs is not ctx.inputs[0]:
                gradient = gradient @ weights
                gradient *= inputs > 0
        return None, vector, None
