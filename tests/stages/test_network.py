import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from stages.shared import splits
from stages.shared.errors import StageError
from stages.shared.linear import PortableLinear
from stages.shared.network import MODEL, build_network, load_network, predict, save_network
from stages.shared.safetensors_file import format_metadata
from tests.clone import ROOT
from tests.stages.conftest import DATASET, make_parameters


def make_network(*hidden_sizes: int) -> nn.Module:
    """Make an untrained network with the weights of a fixed seed."""
    torch.manual_seed(0)
    return build_network(DATASET, make_parameters(hidden_sizes=hidden_sizes))


@pytest.mark.parametrize(("hidden_sizes", "count"), [((128, 64), 109_386), ((), 7_850), ((32,), 25_450)])
def test_number_of_weights(hidden_sizes: tuple[int, ...], count: int) -> None:
    assert sum(tensor.numel() for tensor in make_network(*hidden_sizes).parameters()) == count


def test_forward_equals_layers_of_tutorial() -> None:
    network = make_network(128, 64)
    images = torch.rand(5, 1, 28, 28)
    first, second, third = (layer for layer in network.modules() if isinstance(layer, nn.Linear))
    expected = third(torch.relu(second(torch.relu(first(images.view(5, -1))))))
    torch.testing.assert_close(network(images), expected, rtol=0, atol=0)


def test_shape_and_classes_are_those_of_the_data_set() -> None:
    dataset = DATASET.model_copy(update={"channels": 3, "height": 8, "width": 9, "classes": ("cat", "dog")})
    assert build_network(dataset, make_parameters())(torch.rand(5, 3, 8, 9)).shape == (5, 2)


def test_loads_what_it_saved(tmp_path: Path) -> None:
    """Also what was trained in portable numerics is loaded as layers of PyTorch."""
    path = tmp_path / "model"
    network = build_network(DATASET, make_parameters(hidden_sizes=[9]), PortableLinear)
    save_network(path, network, DATASET, make_parameters(hidden_sizes=[9]))
    loaded, dataset = load_network(path)
    assert dataset == DATASET
    assert not loaded.training
    assert [type(layer) for layer in loaded.children()] == [nn.Flatten, nn.Linear, nn.ReLU, nn.Linear]
    images = torch.rand(5, 1, 28, 28)
    torch.testing.assert_close(loaded(images), network(images))


def test_bytes_depend_only_on_network(tmp_path: Path) -> None:
    for name in ("one", "another name"):
        save_network(tmp_path / name, make_network(8), DATASET, make_parameters(hidden_sizes=[8]))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "another name").read_bytes()
    with safe_open(tmp_path / "one", "pt") as file:
        [text] = file.metadata().values()  # safetensors writes several keys in random order
    assert json.loads(text)["parameters"] == {"hidden_sizes": [8]}


@pytest.mark.usefixtures("project")
def test_lines_of_the_readme() -> None:
    save_network(MODEL, make_network(9), DATASET, make_parameters(hidden_sizes=[9]))
    [lines] = re.findall(r"```python\n(.+load_network.+?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    images = torch.rand(5, 1, 28, 28)
    splits.write_split(splits.TEST, images.numpy(), np.zeros(5, np.int64), DATASET)
    values: dict[str, torch.Tensor] = {}
    exec(lines, values)  # noqa: S102 - it is our own
    torch.testing.assert_close(values["probabilities"].sum(dim=1), torch.ones(5))


@pytest.mark.parametrize("count", [1, 1000, 2001])
def test_predicts_in_batches_without_dropout(count: int) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(784, 2))
    images = torch.rand(count, 1, 28, 28)
    logits = predict(network, images)
    assert not logits.requires_grad
    torch.testing.assert_close(logits, network[2](images.flatten(1)).detach())


def test_rejects_other_files(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"\x80\x02}q\x00.")
    reject(path, "not a safetensors file")
    save_file({"1.weight": torch.zeros(1)}, path)
    reject(path, "metadata: Invalid JSON")
    save_file({"1.weight": torch.zeros(1)}, path, format_metadata(DATASET))
    reject(path, "metadata: dataset: Field required")
    save_network(path, make_network(9), DATASET, make_parameters(hidden_sizes=[8]))
    reject(path, "not of the network in stages .*size mismatch for 1.weight")
    network = make_network(8)
    with torch.no_grad():
        next(network.parameters())[0, 0] = torch.nan
    save_network(path, network, DATASET, make_parameters(hidden_sizes=[8]))
    reject(path, "has weights that are NaN or infinite")


def reject(path: Path, message: str) -> None:
    with pytest.raises(
        StageError, match=f"^{re.escape(str(path))}: {message}.*; remove it and run dvc repro$"
    ) as error:
        load_network(path)
    assert str(error.value).isprintable()
