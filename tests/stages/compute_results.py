"""Print the settings of the libraries and, if portable, the results of a small training and evaluation, as JSON.

Run: python -m tests.stages.compute_results portable
"""

import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any, get_args

from stages.shared import numerics
from stages.shared.parameters import TrainParameters, read_parameters

if TYPE_CHECKING:
    from torch import Tensor


def main() -> None:
    """Pin the kernels before numpy and torch are imported, as a stage does."""
    [chosen] = (name for name in get_args(numerics.Numerics) if name == sys.argv[1])
    numerics.pin(chosen)

    import threadpoolctl  # type: ignore[import-untyped]
    import torch

    [openblas] = [library for library in threadpoolctl.threadpool_info() if library["internal_api"] == "openblas"]
    settings = {
        "threads": torch.get_num_threads(),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "OpenBLAS threads": openblas["num_threads"],
        "OpenBLAS kernels": openblas["architecture"],
    }
    results = {}
    if chosen == "portable":
        results = {"sgd": train("sgd"), "adam": train("adam"), "elastic": augment(), "test loss": evaluate()}
        torch.set_num_threads(2)
        results["elastic with two threads"] = augment()
    print(json.dumps({"settings": settings, "results": results}))


def train(optimizer: str) -> str:
    """Train for one epoch and hash the weights."""
    import torch

    from stages.shared import training
    from stages.shared.network import build_network

    changes: dict[str, Any] = {"optimizer": optimizer, "epochs": 1, "lr": 0.01}
    parameters = read_parameters(TrainParameters).model_copy(update=changes)
    torch.manual_seed(0)
    images, labels = torch.rand(2100, 28, 28), torch.randint(10, (2100,))
    examples = training.LabeledImages(images[:2000], labels[:2000])
    validation = training.LabeledImages(images[2000:], labels[2000:])
    network = build_network((128, 64))
    training.train(network, examples, validation, parameters, lambda _: None)
    return hash_tensors(*network.parameters())


def augment() -> str:
    """Augment a batch and hash it."""
    import torch

    from stages.shared.augmentation import build_augmentation

    generator = torch.Generator().manual_seed(0)
    images = torch.rand(512, 28, 28, generator=generator).numpy()
    return hash_tensors(torch.from_numpy(build_augmentation("elastic", images, generator)(images)))


def evaluate() -> str:
    """Compute the test loss of an untrained network on as many images as the test set of MNIST has."""
    import numpy as np

    from stages.shared.forward import forward
    from stages.shared.scores import log_softmax, mean_cross_entropy

    random = np.random.default_rng(0)
    images, labels = random.random((10_000, 28, 28), np.float32), random.integers(10, size=10_000)
    layers = [
        (random.standard_normal((outputs, inputs), np.float32), random.standard_normal(outputs, np.float32))
        for inputs, outputs in ((784, 128), (128, 64), (64, 10))
    ]
    return repr(mean_cross_entropy(log_softmax(forward(layers, images)[-1]), labels))


def hash_tensors(*tensors: "Tensor") -> str:
    """Compute the SHA-256 of the bytes of tensors."""
    return hashlib.sha256(b"".join(tensor.detach().numpy().tobytes() for tensor in tensors)).hexdigest()


if __name__ == "__main__":
    main()
