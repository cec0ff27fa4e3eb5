"""The forward pass of the network in numpy, for stages that need not wait for the import of torch.

Its matrix products are OpenBLAS's: with one kernel on all processors, as portable numerics choose, they are about as
fast as torch's fastest, while torch's portable kernels take twice as long (bench/NOTES.md).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.shared.shapes import PIXELS
from stages.shared.weights import Layer


def forward(layers: list[Layer], images: NDArray[np.float32]) -> list[NDArray[Any]]:
    """Return what each layer takes, and at the end the logits, of shape (n, 10).

    Takes images of shape (n, 28, 28); between the linear layers is ReLU.
    """
    activations = [images.reshape(len(images), PIXELS)]
    for number, (weights, biases) in enumerate(layers, start=1):
        activation = activations[-1] @ weights.T
        activation += biases
        if number < len(layers):
            zeros = np.zeros(activation.shape, activation.dtype)  # the number 0 takes twice as long
            np.maximum(activation, zeros, out=activation)
        activations.append(activation)
    return activations
