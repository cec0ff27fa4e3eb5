from pathlib import Path

import pytest
import torch

from stages.shared.network import build_network, save_network


@pytest.mark.parametrize(("hidden_sizes", "count"), [((128, 64), 109_386), ((), 7_850), ((32,), 25_450)])
def test_number_of_weights(hidden_sizes: tuple[int, ...], count: int) -> None:
    assert sum(tensor.numel() for tensor in build_network(hidden_sizes).parameters()) == count


def test_forward_equals_layers_of_tutorial() -> None:
    network = build_network((128, 64))
    images = torch.rand(5, 28, 28)
    first, second, third = (layer for layer in network if isinstance(layer, torch.nn.Linear))
    expected = third(torch.relu(second(torch.relu(first(images.view(5, -1))))))
    torch.testing.assert_close(network(images), expected, rtol=0, atol=0)


def test_bytes_depend_only_on_weights(tmp_path: Path) -> None:
    network = build_network((8,))
    save_network(tmp_path / "one", network)
    save_network(tmp_path / "another name", network)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "another name").read_bytes()
