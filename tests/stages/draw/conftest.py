"""Fixtures: Chromium with a page, and a network that has learned MNIST."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_model, save_model
from torch import nn
from torch.nn import functional

from stages import download
from stages.normalize import normalize
from stages.shared.datasets import Dataset
from stages.shared.idx import TEST, TRAIN, read_images_and_labels
from stages.shared.onnx_model import build_model
from stages.shared.page import build_page
from stages.shared.parameters import DownloadParameters
from tests.chromium import Tab
from tests.conftest import MNIST_MIRROR, build_once
from tests.stages.conftest import DATASET, make, make_parameters
from tests.stages.networks import NETWORKS, build_mlp

OpenPage = Callable[..., Tab]


@pytest.fixture
def open_page(browser: Tab, tmp_path: Path) -> Iterator[OpenPage]:
    """Return a function that opens the page of a network. Until the test ends it must print and request nothing."""
    page = tmp_path / "draw.html"

    def open_page(network: nn.Module, dataset: Dataset = DATASET) -> Tab:
        page.write_text(build_page(build_model(network, dataset)), encoding="utf-8")
        browser.open(page)
        return browser

    yield open_page
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.call("Emulation.setEmulatedMedia", features=[])
    assert browser.list_messages() == []
    requests = browser.list_events("Network.requestWillBeSent")
    assert [request["request"]["url"] for request in requests] == [page.as_uri()]


@pytest.fixture
def tab(open_page: OpenPage) -> Tab:
    """Return a tab with the page of an untrained network."""
    return open_page(NETWORKS["MLP"]())


class Mnist(NamedTuple):
    """A trained network, and MNIST's test set: uint8 of shape (10000, 28, 28), and labels."""

    network: nn.Module
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@pytest.fixture(scope="session")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Mnist:
    """Return a network trained for a moment, and the test set."""
    folder = build_once(tmp_path_factory, "learned-mnist", learn_mnist)
    network = build_mlp(DATASET, make_parameters())
    load_model(network, folder / "mlp.safetensors")
    return Mnist(network, *read_images_and_labels(folder / download.RAW, TEST))


def learn_mnist(folder: Path) -> None:
    """Write MNIST, and a network that has seen it once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_MIRROR", MNIST_MIRROR)
        patch.chdir(folder)
        download.main(make(DownloadParameters, dataset="mnist"))
    raw_images, raw_labels = read_images_and_labels(folder / download.RAW, TRAIN)
    images, labels = torch.from_numpy(normalize(raw_images, 0.5, 0.5)), torch.from_numpy(raw_labels)
    torch.manual_seed(0)
    network = build_mlp(DATASET, make_parameters())
    optimizer = torch.optim.Adam(network.parameters(), lr=0.002, fused=True)
    for batch in torch.randperm(len(labels)).split(100):
        optimizer.zero_grad()
        functional.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimizer.step()
    save_model(network, str(folder / "mlp.safetensors"))


def encode(content: bytes) -> str:
    """Encode bytes for an expression of JavaScript."""
    return base64.b64encode(content).decode()
