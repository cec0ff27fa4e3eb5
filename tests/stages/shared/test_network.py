from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from runtime.errors import StageError
from stages.shared.network import build_network, load_network, save_network


@pytest.mark.parametrize(("hidden_sizes", "count"), [((128, 64), 109_386), ((), 7_850), ((32,), 25_450)])
def test_number_of_weights(hidden_sizes: tuple[int, ...], count: int) -> None:
    assert sum(tensor.numel() for tensor in build_network(hidden_sizes).parameters()) == count


def test_forward_equals_layers_of_tutorial() -> None:
    network = build_network((128, 64))
    images = torch.rand(5, 28, 28)
    first, second, third = (layer for layer in network if isinstance(layer, torch.nn.Linear))
    expected = third(torch.relu(second(torch.relu(first(images.view(5, -1))))))
    torch.testing.assert_close(network(images), expected, rtol=0, atol=0)


@pytest.mark.parametrize("hidden_sizes", [(128, 64), (), (3,) * 12])
def test_round_trip(tmp_path: Path, hidden_sizes: tuple[int, ...]) -> None:
    network = build_network(hidden_sizes)
    save_network(tmp_path / "model", network)
    images = torch.rand(4, 28, 28)
    torch.testing.assert_close(load_network(tmp_path / "model")(images), network(images), rtol=0, atol=0)


def test_bytes_depend_only_on_weights(tmp_path: Path) -> None:
    network = build_network((8,))
    save_network(tmp_path / "one", network)
    save_network(tmp_path / "another name", network)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "another name").read_bytes()


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
        load_network(tmp_path / "model")
    assert str(error.value).startswith(str(tmp_path / "model"))


@pytest.mark.parametrize("content", [b"", b"\x80\x02}q\x00."])
def test_rejects_other_file_format(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(StageError, match="not a safetensors file"):
        load_network(tmp_path / "model")
