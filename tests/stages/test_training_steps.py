"""Tests of the updates of the weights: against formulas in numpy, and against PyTorch with autograd."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from stages.shared.network import build_network
from stages.shared.training import LabeledImages, train
from tests.stages.examples import make_labeled, make_parameters

Array = NDArray[np.float64]

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.02, momentum=0.5, weight_decay=0.1),
    "rmsprop": lambda weights: torch.optim.RMSprop(weights, lr=0.02, momentum=0.5, weight_decay=0.1),
    "adam": lambda weights: torch.optim.Adam(weights, lr=0.02, weight_decay=0.1),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.02, weight_decay=0.1),
}


def compute_gradients(weights: list[Array], images: Array, labels: NDArray[np.int64], loss: str) -> list[Array]:
    """Compute the gradients of the mean loss with respect to (W1, b1, W2, b2, W3, b3), in float64."""
    w1, b1, w2, b2, w3, b3 = weights
    first = np.maximum(images @ w1.T + b1, 0)
    second = np.maximum(first @ w2.T + b2, 0)
    logits = second @ w3.T + b3
    targets = np.eye(10)[labels]
    if loss == "cross_entropy":
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        delta = (exponentials / exponentials.sum(axis=1, keepdims=True) - targets) / len(images)
    else:
        delta = 2 * (logits - targets) / targets.size
    delta_second = delta @ w3 * (second > 0)
    delta_first = delta_second @ w2 * (first > 0)
    return [
        *(delta_first.T @ images, delta_first.sum(axis=0)),
        *(delta_second.T @ first, delta_second.sum(axis=0)),
        *(delta.T @ second, delta.sum(axis=0)),
    ]


def update_weights(optimizer: str, weights: list[Array], gradients: list[Array], lr: float) -> list[Array]:
    """Apply the first step of SGD, or of Adam (Kingma and Ba, arXiv:1412.6980, algorithm 1)."""
    if optimizer == "sgd":
        return [weight - lr * gradient for weight, gradient in zip(weights, gradients, strict=True)]
    # After one step the bias-corrected moments are the gradient and its square.
    return [
        weight - lr * gradient / (np.sqrt(gradient**2) + 1e-8)
        for weight, gradient in zip(weights, gradients, strict=True)
    ]


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_first_step_equals_formulas(optimizer: str, loss: str) -> None:
    parameters = make_parameters(optimizer=optimizer, loss=loss, lr=0.1 if optimizer == "sgd" else 0.001)
    torch.manual_seed(0)
    network = build_network(parameters.hidden_sizes).double()
    before = [tensor.detach().numpy().copy() for tensor in network.parameters()]
    images, labels = make_labeled(64)
    train(network, LabeledImages(images.double(), labels), make_labeled(0), parameters, lambda _: None)
    flat_images = images.double().numpy().reshape(64, 784)
    gradients = compute_gradients(before, flat_images, labels.numpy(), loss)
    expected = update_weights(optimizer, before, gradients, parameters.lr)
    for tensor, array in zip(network.parameters(), expected, strict=True):
        np.testing.assert_allclose(tensor.detach().numpy(), array, rtol=0, atol=1e-12)


@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_equals_autograd(optimizer: str, schedule: str) -> None:
    parameters = make_parameters(
        optimizer=optimizer, lr=0.02, momentum=0.5, weight_decay=0.1, batch_size=30, epochs=2, schedule=schedule
    )
    torch.manual_seed(0)
    network = build_network((128, 64)).double()
    reference = copy.deepcopy(network)
    images, labels = make_labeled(100)
    training = LabeledImages(images.double(), labels)
    train(network, training, make_labeled(0), parameters, lambda _: None)
    generator = torch.Generator().manual_seed(0)
    reference_optimizer = OPTIMIZERS[optimizer](reference.parameters())
    one_cycle = torch.optim.lr_scheduler.OneCycleLR(
        reference_optimizer, max_lr=0.02, epochs=2, steps_per_epoch=4, cycle_momentum=False
    )
    if schedule == "constant":
        reference_optimizer.param_groups[0]["lr"] = 0.02  # OneCycleLR has changed it
    for _ in range(2):
        for batch in torch.split(torch.randperm(100, generator=generator), 30):
            reference_optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(reference(training.images[batch]), labels[batch])
            loss.backward()
            reference_optimizer.step()
            if schedule == "one_cycle":
                one_cycle.step()
    for tensor, expected in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(tensor, expected, rtol=0, atol=1e-8)
