from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from stages.shared.errors import StageError
from stages.shared.network import build_network, save_network
from stages.shared.weights import name_layer, read_layers


@pytest.mark.parametrize("hidden_sizes", [(128, 64), (), (3,) * 12])
def test_reads_layers(tmp_path: Path, hidden_sizes: tuple[int, ...]) -> None:
    network = build_network(hidden_sizes)
    save_network(tmp_path / "model", network)
    layers = read_layers(tmp_path / "model")
    expected = [tensor.numpy() for tensor in network.state_dict().values()]
    assert len(expected) == 2 * (len(hidden_sizes) + 1)
    for tensor, other in zip((tensor for layer in layers for tensor in layer), expected, strict=True):
        np.testing.assert_array_equal(tensor, other, strict=True)


def test_names_are_those_of_the_network() -> None:
    names = [name for number in range(3) for name in name_layer(number)]
    assert names == list(build_network((8, 8)).state_dict())


def change_weights(**changes: torch.Tensor) -> dict[str, torch.Tensor]:
    return dict(build_network((8,)).state_dict()) | {name.replace("_", "."): value for name, value in changes.items()}


def zero_width() -> dict[str, torch.Tensor]:
    shapes = {"1.bias": (0,), "1.weight": (0, 784), "3.bias": (10,), "3.weight": (10, 0)}
    return {name: torch.zeros(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({}, "not float32 weights"),
        ({"x": torch.zeros(3)}, "not float32 weights"),
        (change_weights(**{"1_weight": torch.zeros(8, 783)}), "not float32 weights"),
        (change_weights(**{"3_bias": torch.zeros(11)}), "not float32 weights"),
        (change_weights(**{"1_bias": torch.zeros(8, dtype=torch.float64)}), "not float32 weights"),
        (change_weights(**{"1_bias": torch.zeros(8, dtype=torch.bfloat16)}), "not float32 weights"),
        (change_weights(**{"1_bias": torch.zeros(2, 4)}), "not float32 weights"),
        ({f"{'9' * 5000}.bias": torch.zeros(1)}, "not float32 weights"),
        ({"1\n.bias": torch.zeros(10)}, "not float32 weights"),
        ({"01.bias": torch.zeros(10), "01.weight": torch.zeros(10, 784)}, "not float32 weights"),
        ({"1.bias": torch.zeros(()), "1.weight": torch.zeros(())}, "not float32 weights"),
        (zero_width(), "not float32 weights"),
        ({f"{2 * number + 1}.bias": torch.zeros(0) for number in range(1000)}, "not float32 weights"),
        (change_weights(**{"5_weight": torch.zeros(1)}), "not float32 weights"),
        (change_weights(**{"1_bias": torch.zeros(10**6)}), "not float32 weights"),
        (change_weights(**{"1_bias": torch.full((8,), torch.nan)}), "NaN or infinite"),
        (change_weights(**{"3_weight": torch.full((10, 8), torch.inf)}), "NaN or infinite"),
    ],
)
def test_rejects_wrong_weights(tmp_path: Path, weights: dict[str, torch.Tensor], message: str) -> None:
    save_file(weights, tmp_path / "model")
    with pytest.raises(StageError, match=message) as error:
        read_layers(tmp_path / "model")
    assert str(error.value).startswith(str(tmp_path / "model"))


@pytest.mark.parametrize("content", [b"", b"\x80\x02}q\x00."])
def test_rejects_other_file_format(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(StageError, match="not a safetensors file"):
        read_layers(tmp_path / "model")
