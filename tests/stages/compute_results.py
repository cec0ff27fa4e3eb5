"""Print the settings of the libraries and, if portable, the results of small trainings and evaluations, as JSON.

Run: python -m tests.stages.compute_results portable
"""

import hashlib
import json
import sys
from typing import TYPE_CHECKING, get_args

from stages.shared import numerics

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
        results = {
            "sgd": train(),
            "adam": train(optimizer="adam", lr=0.001),
            "mse": train(loss="mse", momentum=0.9, schedule="one_cycle"),
            "elastic": train(augment="elastic"),
            "augmented": augment(),
            "logits": predict(),
        }
        torch.set_num_threads(2)
        results["augmented with two threads"] = augment()
    print(json.dumps({"settings": settings, "results": results}))


def train(**changes: object) -> str:
    """Train for one epoch; hash the weights and the metrics."""
    import torch

    from stages.shared.linear import PortableLinear
    from stages.shared.network import build_network
    from stages.train import train
    from tests.stages.conftest import make_parameters, make_split

    torch.manual_seed(0)
    training, validation = make_split(2000), make_split(100, seed=1)
    parameters = make_parameters(**changes)
    network = build_network(training.dataset, parameters, PortableLinear)
    epoch = train(network, training, validation, parameters, lambda _: None)
    return hash_tensors(*network.parameters()) + str(epoch)


def augment() -> str:
    """Augment a batch and hash it."""
    import torch

    from stages.shared.augmentation import build_augmentation

    generator = torch.Generator().manual_seed(0)
    images = torch.rand(512, 1, 28, 28, generator=generator)
    return hash_tensors(build_augmentation("elastic", images, generator)(images))


def predict() -> str:
    """Hash the logits and losses of an untrained network on as many images as the test set of MNIST has."""
    import torch
    from torch.nn import functional

    from stages.shared.network import build_network, predict
    from tests.stages.conftest import DATASET, make_parameters

    torch.manual_seed(0)
    logits = predict(build_network(DATASET, make_parameters()), torch.rand(10_000, 1, 28, 28)).double()
    losses = functional.cross_entropy(logits, torch.randint(0, 10, (10_000,)), reduction="none")
    return hash_tensors(logits, losses, logits.softmax(dim=1))


def hash_tensors(*tensors: "Tensor") -> str:
    """Compute the SHA-256 of the bytes of tensors."""
    return hashlib.sha256(b"".join(tensor.detach().numpy().tobytes() for tensor in tensors)).hexdigest()


if __name__ == "__main__":
    main()
