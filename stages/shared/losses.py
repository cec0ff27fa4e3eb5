"""The losses, their gradients, and the metrics of an epoch."""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from stages.shared.shapes import CLASSES

ONE_HOT = np.eye(CLASSES, dtype=np.float32)  # the target of each label


class Metrics(NamedTuple):
    """Mean loss and accuracy (0 to 1) over a set of images."""

    loss: float
    accuracy: float


def image_losses(logits: Tensor, labels: Tensor, loss: str) -> Tensor:
    """Compute the loss of each image, of shape (n,); mse is of the logits and one-hot targets."""
    if loss == "mse":
        return functional.mse_loss(logits, torch.from_numpy(ONE_HOT)[labels], reduction="none").mean(dim=1)
    return functional.cross_entropy(logits, labels, reduction="none")


def loss_gradient(logits: NDArray[Any], labels: NDArray[np.int64], loss: str) -> NDArray[Any]:
    """Compute the gradient of the mean loss with respect to the logits, of their shape, (n, 10)."""
    outputs = logits.copy() if loss == "mse" else functional.softmax(torch.from_numpy(logits), dim=1).numpy()
    outputs -= ONE_HOT.take(labels, axis=0)
    outputs *= 2 / logits.size if loss == "mse" else 1 / len(labels)
    return outputs


def compute_metrics(logits: Tensor, labels: Tensor, loss: str) -> Metrics:
    """Compute the metrics of logits of shape (n, 10). The sum is exact: independent of the order of additions."""
    total_loss = math.fsum(image_losses(logits, labels, loss).tolist())
    correct = int((logits.argmax(dim=1) == labels).sum())
    return Metrics(total_loss / len(labels), correct / len(labels))
