"""Networks for the tests of the export."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

from stages.shared.classifier import Classifier
from stages.shared.network import build_network
from stages.shared.parameters import DatasetName


class Outputs(NamedTuple):
    """Outputs of the model, float32 of shape (n, 10)."""

    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def make_network(*hidden_sizes: int) -> nn.Sequential:
    """Make an untrained network with the weights of a fixed seed."""
    torch.manual_seed(0)
    return build_network(hidden_sizes)


def load_network(path: Path) -> nn.Sequential:
    """Load the weights of a network with hidden layers of 128 and 64 into PyTorch."""
    network = build_network((128, 64))
    network.load_state_dict(load_file(path))
    return network


def make_classifier(
    network: nn.Sequential, dataset: DatasetName = "mnist", mean: float = 0.5, std: float = 0.5
) -> Classifier:
    """Make the classifier of a network."""
    tensors = [tensor.numpy() for tensor in network.state_dict().values()]
    return Classifier(list(zip(tensors[::2], tensors[1::2], strict=True)), dataset, mean, std)


def make_images(count: int) -> NDArray[np.uint8]:
    """Make images of noise that have both extreme values."""
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    images[:, 0, :2] = 0, 255
    return images


def open_model(model: bytes) -> onnxruntime.InferenceSession:
    """Open an ONNX model with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options)


def run_model(model: bytes, images: NDArray[np.uint8]) -> Outputs:
    """Run an ONNX model on images of shape (n, 28, 28)."""
    return Outputs(*open_model(model).run(["logits", "probabilities"], {"images": images}))


def run_network(network: nn.Sequential, images: NDArray[np.float32]) -> Outputs:
    """Run a network on normalized images of shape (n, 28, 28)."""
    with torch.inference_mode():
        logits = network(torch.from_numpy(images))
    return Outputs(logits.numpy(), logits.softmax(dim=1).numpy())
