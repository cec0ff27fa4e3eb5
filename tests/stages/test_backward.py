import copy

import numpy as np
import pytest
import torch
from torch.nn import functional

from stages.shared.backward import backward, build_gradient, flatten_weights
from stages.shared.forward import forward
from stages.shared.losses import loss_gradient
from stages.shared.network import build_network


def make_networks(hidden_sizes: tuple[int, ...]) -> tuple[torch.nn.Sequential, torch.nn.Sequential]:
    """Make a network in float64, and a copy for autograd."""
    torch.manual_seed(0)
    network = build_network(hidden_sizes).double()
    return network, copy.deepcopy(network)


@pytest.mark.parametrize("hidden_sizes", [(), (16,), (128, 64), (9, 8, 7, 6)])
@pytest.mark.parametrize("count", [1, 5, 64])
def test_gradient_equals_autograd(hidden_sizes: tuple[int, ...], count: int) -> None:
    network, reference = make_networks(hidden_sizes)
    weights = flatten_weights(network)
    gradient = build_gradient(weights)
    for _ in range(2):  # the gradients do not accumulate
        images, labels = torch.randn(count, 28, 28).double(), torch.randint(0, 10, (count,))
        activations = forward(weights.layers, images.numpy())
        logits_gradient = loss_gradient(activations[-1], labels.numpy(), "cross_entropy")
        backward(weights.layers, activations, logits_gradient, gradient.layers)
    logits = reference(images)
    functional.cross_entropy(logits, labels).backward()
    np.testing.assert_allclose(activations[-1], logits.detach().numpy(), rtol=0, atol=1e-12)
    expected = torch.cat([tensor.grad.flatten() for tensor in reference.parameters() if tensor.grad is not None])
    assert gradient.tensor.abs().max() > 1e-3
    torch.testing.assert_close(gradient.tensor, expected, rtol=0, atol=1e-12)


def test_network_follows_updates_of_weights() -> None:
    network, reference = make_networks((16,))
    weights = flatten_weights(network)
    weights.tensor.mul_(2)
    for parameter, before in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(parameter, 2 * before)
    expected = [parameter.detach().numpy() for parameter in network.parameters()]
    for array, other in zip((array for layer in weights.layers for array in layer), expected, strict=True):
        np.testing.assert_array_equal(array, other, strict=True)
