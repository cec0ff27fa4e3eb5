"""Networks of the tests' own, of many kinds of layers, with their outputs in PyTorch and in ONNX."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from stages.normalize import normalize
from stages.shared.datasets import Dataset
from stages.shared.parameters import NetworkParameters
from tests.stages.conftest import DATASET


class Outputs(NamedTuple):
    """Outputs of a network, float32 of shape (n, classes)."""

    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def build_mlp(dataset: Dataset, parameters: NetworkParameters, linear: type[nn.Linear] = nn.Linear) -> nn.Module:
    """Build the network of the tutorial, whatever `build_network` of the project builds."""
    sizes = [dataset.channels * dataset.height * dataset.width, *parameters.hidden_sizes, len(dataset.classes)]
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(sizes):
        layers += [linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def make_network(*layers: nn.Module, dataset: Dataset = DATASET) -> nn.Module:
    """Make a network of layers and a last linear one, with weights and statistics of a fixed seed."""
    torch.manual_seed(0)
    network = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(len(dataset.classes)))
    network(torch.randn(50, dataset.channels, dataset.height, dataset.width))  # running statistics
    for weight in network.parameters():
        if weight.dim() == 1:  # also those that start at 0 or 1
            nn.init.normal_(weight)
    return network.eval()


def flat(*layers: nn.Module) -> nn.Module:
    return make_network(nn.Flatten(), nn.Linear(784, 16), *layers)


def cnn() -> nn.Module:
    first = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
    second = nn.Sequential(nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(2))
    return make_network(first, second, nn.Dropout2d())


# All kinds of layers, and all options that change what one computes.
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "one layer": make_network,
    "MLP": lambda: flat(nn.ReLU(), nn.Linear(16, 8), nn.ReLU()),
    "CNN": cnn,
    "dropout": lambda: flat(nn.ReLU(), nn.Dropout(), nn.Identity()),
    "GELU": lambda: flat(nn.GELU()),
    "GELU by tanh": lambda: flat(nn.GELU("tanh")),
    "leaky ReLU": lambda: flat(nn.LeakyReLU(0.2)),
    "sigmoid": lambda: flat(nn.Sigmoid()),
    "softmax": lambda: flat(nn.Softmax(dim=1)),
    "softmax of channels": lambda: make_network(nn.Conv2d(1, 4, 3), nn.Softmax(dim=1)),
    "tanh": lambda: flat(nn.Tanh()),
    "no bias": lambda: flat(nn.ReLU(), nn.Linear(16, 8, bias=False)),
    "weight norm": lambda: flat(nn.utils.parametrizations.weight_norm(nn.Linear(16, 8))),
    "rows": lambda: make_network(nn.Flatten(1, 2), nn.Linear(28, 4), nn.Linear(4, 4, bias=False)),
    "batch norm": lambda: flat(nn.BatchNorm1d(16, eps=0.1)),
    "batch norm without weights": lambda: flat(nn.BatchNorm1d(16, affine=False)),
    "batch norm of images": lambda: make_network(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)),
    "stride and padding": lambda: make_network(nn.Conv2d(1, 4, (3, 5), stride=(2, 3), padding=(2, 1))),
    "dilation and groups": lambda: make_network(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 8, 3, dilation=(2, 1), groups=2)),
    "padding same": lambda: make_network(nn.Conv2d(1, 4, (5, 3), dilation=(1, 2), padding="same")),
    "padding valid": lambda: make_network(nn.Conv2d(1, 4, 3, padding="valid")),
    "padding reflect": lambda: make_network(nn.Conv2d(1, 4, 3, padding=(2, 1), padding_mode="reflect")),
    "padding replicate": lambda: make_network(nn.Conv2d(1, 4, 4, padding="same", padding_mode="replicate")),
    "max pool": lambda: make_network(nn.MaxPool2d((3, 2), stride=(2, 3), padding=1, dilation=(1, 2))),
    "max pool, ceil": lambda: make_network(
        nn.MaxPool2d(3, 2, padding=1, ceil_mode=True), nn.MaxPool2d(4, ceil_mode=True)
    ),
    "average pool": lambda: make_network(nn.AvgPool2d((3, 2), stride=1, padding=1)),
    "average pool, pixels": lambda: make_network(nn.AvgPool2d(5, 2, padding=2, count_include_pad=False)),
    "average pool, ceil": lambda: make_network(nn.AvgPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(3, ceil_mode=True)),
    "global average pool": lambda: make_network(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1)),
}


def make_images(count: int, *shape: int) -> NDArray[np.uint8]:
    """Make images of noise that have both extreme values."""
    images = np.random.default_rng(0).integers(0, 256, (count, *(shape or (28, 28))), dtype=np.uint8)
    images[:, 0, 0], images[:, 0, 1] = 0, 255
    return images


def run_network(network: nn.Module, images: NDArray[np.uint8], dataset: Dataset = DATASET) -> Outputs:
    with torch.no_grad():
        logits = network(torch.from_numpy(normalize(images, dataset.mean, dataset.std)))
    return Outputs(logits.numpy(), logits.softmax(dim=1).numpy())


def open_model(model: bytes) -> onnxruntime.InferenceSession:
    """Open an ONNX model with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options)


def run_model(model: bytes, images: NDArray[np.uint8]) -> Outputs:
    return Outputs(*open_model(model).run(["logits", "probabilities"], {"images": images}))
