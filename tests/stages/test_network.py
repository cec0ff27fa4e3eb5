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
from stages.shared.network import MODEL, build_network, check_network, load_network, predict, save_network
from stages.shared.parameters import NetworkParameters
from stages.shared.safetensors_file import format_metadata
from tests.clone import ROOT
from tests.stages.conftest import DATASET, make_parameters

PARAMETERS = NetworkParameters(**make_parameters(hidden_sizes=[9]).model_dump())


def make_network(linear: type[nn.Linear] = nn.Linear) -> nn.Module:
    """Make the network of the project, untrained, with the weights of a fixed seed."""
    torch.manual_seed(0)
    return build_network(DATASET, PARAMETERS, linear)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([nn.Linear(784, 10), nn.Sequential(nn.Softmax(dim=1))], "the last layer is a softmax; remove it"),
        ([nn.Linear(784, 10), nn.LogSoftmax(dim=1)], "the last layer is a softmax; remove it"),
        ([nn.Linear(784, 9)], r"the outputs of an image are \[9\], must be 10: a logit for each class"),
        ([nn.Unflatten(1, (28, 28)), nn.Linear(28, 10)], r"the outputs of an image are \[28, 10\], must be 10"),
    ],
)
def test_rejects_network_without_logits(layers: list[nn.Module], message: str) -> None:
    with pytest.raises(StageError, match=f"^stages/shared/network.py: {message}"):
        check_network(nn.Sequential(nn.Flatten(), *layers), DATASET)


def test_check_changes_nothing() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(784, 10), nn.BatchNorm1d(10))
    before, state = {name: tensor.clone() for name, tensor in network.state_dict().items()}, torch.get_rng_state()
    check_network(network, DATASET)
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


def test_loads_what_it_saved(tmp_path: Path) -> None:
    """Also what was trained in portable numerics is loaded as layers of PyTorch."""
    path = tmp_path / "model"
    network = make_network(PortableLinear)
    save_network(path, network, DATASET, PARAMETERS)
    loaded, dataset = load_network(path)
    assert dataset == DATASET
    assert not loaded.training
    assert not any(isinstance(layer, PortableLinear) for layer in loaded.modules())
    images = torch.rand(5, 1, 28, 28)
    torch.testing.assert_close(predict(loaded, images), predict(network, images))


def test_bytes_depend_only_on_network(tmp_path: Path) -> None:
    for name in ("one", "another name"):
        save_network(tmp_path / name, make_network(), DATASET, PARAMETERS)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "another name").read_bytes()
    with safe_open(tmp_path / "one", "pt") as file:
        [text] = file.metadata().values()  # safetensors writes several keys in random order
    assert json.loads(text)["parameters"] == PARAMETERS.model_dump(mode="json")


@pytest.mark.usefixtures("project")
def test_lines_of_the_readme() -> None:
    save_network(MODEL, make_network(), DATASET, PARAMETERS)
    [lines] = re.findall(r"```python\n(.+load_network.+?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    images = torch.rand(5, 1, 28, 28)
    splits.write_split(splits.TEST, images.numpy(), np.zeros(5, np.int64), DATASET)
    values: dict[str, torch.Tensor] = {}
    exec(lines, values)  # noqa: S102 - it is our own
    torch.testing.assert_close(values["probabilities"].sum(dim=1), torch.ones(5))


def test_predicts_in_batches_without_dropout() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(784, 2))
    images = torch.rand(2001, 1, 28, 28)
    logits = predict(network, images)
    assert not logits.requires_grad
    torch.testing.assert_close(logits, network[2](images.flatten(1)).detach())


def test_rejects_other_files(tmp_path: Path) -> None:
    path = tmp_path / "model"
    save_file({"1.weight": torch.zeros(1)}, path, format_metadata(DATASET))
    reject(path, "metadata: dataset: Field required")
    save_network(path, nn.ModuleDict({"another": nn.Linear(2, 2)}), DATASET, PARAMETERS)
    reject(path, r"not of the network in stages \(")
    network = make_network()
    nn.init.constant_(next(network.parameters()), torch.nan)
    save_network(path, network, DATASET, PARAMETERS)
    reject(path, "has weights that are NaN or infinite")


def reject(path: Path, message: str) -> None:
    with pytest.raises(
        StageError, match=f"^{re.escape(str(path))}: {message}.*; remove it and run dvc repro$"
    ) as error:
        load_network(path)
    assert str(error.value).isprintable()
