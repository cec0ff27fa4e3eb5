import json

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from stages.normalize import normalize
from stages.shared.datasets import Dataset
from stages.shared.errors import StageError
from stages.shared.onnx_graph import Graph, Values
from stages.shared.onnx_layers import LAYERS, add_layer
from stages.shared.onnx_model import build_model, check_model
from tests.stages.conftest import DATASET
from tests.stages.networks import NETWORKS, flat, make_images, make_network, open_model, run_model, run_network

COLOR = DATASET.model_copy(
    update={"channels": 3, "height": 9, "width": 12, "classes": ("cat", "dog"), "ink_size": None, "ink_center": None}
)


def export(network: nn.Module, dataset: Dataset = DATASET) -> bytes:
    return bytes(build_model(network, dataset).SerializeToString())


class Residual(nn.Module):
    """A module with its own forward."""

    def __init__(self, body: nn.Sequential) -> None:
        """Take what computes the difference from the inputs."""
        super().__init__()
        self.body = body

    def forward(self, inputs: Tensor) -> Tensor:
        """Add the inputs to what the body gives."""
        return torch.add(inputs, self.body(inputs))


class Shifted(nn.ReLU):
    """A layer of PyTorch with another forward."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Add 1 to what ReLU gives."""
        return super().forward(inputs) + 1


def make_residual() -> nn.Module:
    return flat(Residual(nn.Sequential(nn.Linear(16, 16), nn.ReLU())))


def check(network: nn.Module, dataset: Dataset = DATASET) -> bytes:
    """Compare the model of a network with PyTorch; return the model."""
    model = build_model(network, dataset)
    onnx.checker.check_model(model, full_check=True)
    check_model(model, network, dataset)
    shape = (dataset.height, dataset.width, dataset.channels)[: 2 if dataset.channels == 1 else 3]
    images = make_images(50, *shape)
    outputs = run_model(model.SerializeToString(), images), run_network(network, images, dataset)
    for actual, expected in zip(*outputs, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5, strict=True)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_are_those_of_torch(name: str) -> None:
    check(NETWORKS[name]())


def test_layers_are_all_tested() -> None:
    tested = {type(layer) for make in NETWORKS.values() for layer in make().modules()}
    assert LAYERS.keys() <= tested


def test_images_in_color() -> None:
    session = open_model(check(make_network(nn.Conv2d(3, 4, 3), nn.ReLU(), dataset=COLOR), COLOR))
    described = [(part.name, part.type, part.shape) for part in (*session.get_inputs(), *session.get_outputs())]
    assert described == [
        ("images", "tensor(uint8)", ["n", 9, 12, 3]),
        ("logits", "tensor(float)", ["n", 2]),
        ("probabilities", "tensor(float)", ["n", 2]),
    ]
    assert session.get_modelmeta().custom_metadata_map.keys().isdisjoint({"ink_size", "ink_center"})


@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (0.1307, 0.3081), (-1e6, 1e-6)])
def test_pixels_are_normalized_to_the_last_bit(mean: float, std: float) -> None:
    """By a network whose logits are ten of the pixels."""
    images = np.arange(256, dtype=np.uint8).repeat(784).reshape(256, 28, 28)
    linear = nn.Linear(784, 10, bias=False)
    linear.load_state_dict({"weight": torch.eye(784)[100:110]})
    network = nn.Sequential(nn.Flatten(), linear)
    logits = run_model(export(network, DATASET.model_copy(update={"mean": mean, "std": std})), images).logits
    np.testing.assert_array_equal(logits, normalize(images, mean, std).reshape(256, 784)[:, 100:110], strict=True)


@pytest.mark.parametrize("name", ["MLP", "CNN"])
def test_runs_on_no_images(name: str) -> None:
    assert run_model(export(NETWORKS[name]()), make_images(0)).probabilities.shape == (0, 10)


def test_metadata_describe_network_and_data_set() -> None:
    network = make_network(nn.Flatten(), nn.Linear(784, 32), nn.ReLU())
    dataset = DATASET.model_copy(update={"name": "kmnist", "classes": tuple("おきすつなはまやれを"), "std": 1e-05})
    metadata = open_model(export(network, dataset)).get_modelmeta().custom_metadata_map
    assert json.loads(metadata.pop("classes")) == list(dataset.classes)
    assert metadata == {
        "dataset": "kmnist",
        "mean": "0.5",
        "std": "1e-05",
        "layers": "Flatten, Linear 32, ReLU, Flatten, Linear 10",
        "temperature": "1",
        "parameters": "25450",
        "ink_size": "20",
        "ink_center": "mass",
    }


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (nn.Hardswish(), "nn.Hardswish"),
        (Residual(nn.Sequential()), "Residual, a module with its own forward,"),
        (Shifted(), "Shifted, a module with its own forward,"),
        (nn.Flatten(0), "nn.Flatten with start_dim=0"),
        (nn.BatchNorm2d(1, track_running_stats=False), "nn.BatchNorm2d with track_running_stats=False"),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), "nn.Conv2d with padding_mode='circular'"),
        (nn.MaxPool2d(2, return_indices=True), "nn.MaxPool2d with return_indices=True"),
        (nn.AvgPool2d(2, divisor_override=3), "nn.AvgPool2d with divisor_override"),
        (
            nn.AvgPool2d(3, 2, padding=1, ceil_mode=True),
            "nn.AvgPool2d with padding and ceil_mode, without count_include_pad=False",
        ),
        (nn.AdaptiveAvgPool2d(2), "nn.AdaptiveAvgPool2d with output_size=2"),
    ],
    ids=str,
)
def test_rejects_what_it_cannot_export(layer: nn.Module, name: str) -> None:
    with pytest.raises(StageError) as error:
        build_model(nn.Sequential(nn.Identity(), layer), DATASET)
    assert str(error.value).startswith(f"models/mlp.onnx: {name} cannot be exported; ")
    assert str(error.value).endswith("add it to LAYERS in stages/shared/onnx_layers.py")


def test_rejects_another_number_of_outputs() -> None:
    with pytest.raises(StageError, match=r"outputs are \[7\], must be 10"):
        build_model(nn.Sequential(nn.Flatten(), nn.Linear(784, 7)), DATASET)


def test_exports_a_module_that_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    def residual(graph: Graph, layer: Residual, inputs: Values) -> str:
        return graph.add("Add", inputs.name, add_layer(graph, layer.body, inputs).name)

    monkeypatch.setitem(LAYERS, Residual, residual)
    check(make_residual())


def test_finds_a_function_that_adds_other_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make_residual()
    for add_nodes, message in (
        (LAYERS[nn.Identity], r"logits differ from PyTorch's by \d+%"),
        (lambda graph, _, inputs: graph.add("Nonsense", inputs.name), "does not run: .*Nonsense"),
    ):
        monkeypatch.setitem(LAYERS, Residual, add_nodes)
        with pytest.raises(StageError, match=f"^models/mlp.onnx: {message}.*; correct stages/shared/onnx_layers.py$"):
            check_model(build_model(network, DATASET), network, DATASET)
