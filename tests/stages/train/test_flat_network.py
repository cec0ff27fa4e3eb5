import copy

import pytest
import torch
from torch.nn import functional

from stages.shared.network import build_network
from stages.train.flat_network import FlatNetwork


def make_networks(hidden_sizes: tuple[int, ...]) -> tuple[torch.nn.Sequential, torch.nn.Sequential]:
    """Make a network in float64, and a copy for autograd."""
    torch.manual_seed(0)
    network = build_network(hidden_sizes).double()
    return network, copy.deepcopy(network)


def get_gradients(network: torch.nn.Module) -> list[torch.Tensor]:
    return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("hidden_sizes", [(), (16,), (128, 64), (9, 8, 7, 6)])
@pytest.mark.parametrize("count", [1, 5, 64])
def test_logits_and_gradients_equal_autograd(hidden_sizes: tuple[int, ...], count: int) -> None:
    network, reference = make_networks(hidden_sizes)
    images, labels = torch.randn(count, 28, 28).double(), torch.randint(0, 10, (count,))
    flat_network = FlatNetwork(network)
    logits, expected_logits = flat_network(images), reference(images)
    torch.testing.assert_close(logits, expected_logits, rtol=0, atol=1e-12)
    functional.cross_entropy(logits, labels).backward()
    functional.cross_entropy(expected_logits, labels).backward()
    expected = torch.cat(
        [parameter.grad.flatten() for parameter in reference.parameters() if parameter.grad is not None]
    )
    gradient = flat_network.weights.grad
    assert gradient is not None
    assert gradient.abs().max() > 1e-3
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-12)


def test_networks_share_weights() -> None:
    network, reference = make_networks((16,))
    flat_network = FlatNetwork(network)
    with torch.no_grad():
        flat_network.weights.mul_(2)
    for parameter, before in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(parameter, 2 * before)


def test_gradients_do_not_accumulate() -> None:
    flat_network = FlatNetwork(make_networks((16,))[0])
    images, labels = torch.randn(8, 28, 28).double(), torch.arange(8)
    gradients = []
    for _ in range(2):
        flat_network.zero_grad()
        functional.cross_entropy(flat_network(images), labels).backward()
        gradients += get_gradients(flat_network)
    torch.testing.assert_close(*gradients, rtol=0, atol=0)
