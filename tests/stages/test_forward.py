from pathlib import Path

import numpy as np
import pytest
import torch

from stages.shared.forward import forward
from stages.shared.network import build_network, save_network
from stages.shared.weights import read_layers


@pytest.mark.parametrize("hidden_sizes", [(128, 64), (), (3,) * 8])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_logits_equal_pytorch(tmp_path: Path, hidden_sizes: tuple[int, ...], count: int) -> None:
    network = build_network(hidden_sizes)
    save_network(tmp_path / "model", network)
    images = torch.rand(count, 28, 28)
    activations = forward(read_layers(tmp_path / "model"), images.numpy())
    assert [array.shape for array in activations] == [(count, size) for size in (784, *hidden_sizes, 10)]
    np.testing.assert_allclose(activations[-1], network(images).detach().numpy(), rtol=1e-5, atol=1e-6, strict=True)
