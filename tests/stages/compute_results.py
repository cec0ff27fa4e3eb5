"""Print the settings of the libraries and, if portable, the results of small trainings and evaluations, as JSON.

Two lines: without augmentation; with it, by torch's kernels that are named, or the pinned ones.

Run: python -m tests.stages.compute_results portable [default]
"""

import hashlib
import json
import os
import sys
from typing import TYPE_CHECKING, get_args

from stages.shared import numerics

if TYPE_CHECKING:
    from torch import Tensor


def main() -> None:
    """Pin the kernels before numpy and torch are imported, as a stage does; compute in forks, with their own."""
    [chosen] = (name for name in get_args(numerics.Numerics) if name == sys.argv[1])
    numerics.pin(chosen)

    import torch._dynamo  # noqa: F401 - in an emulator, this takes longer than the trainings

    for is_augmented in (False, True):
        if os.fork() == 0:
            if is_augmented and len(sys.argv) > 2:
                os.environ["ATEN_CPU_CAPABILITY"] = sys.argv[2]
            results = compute(is_augmented=is_augmented) if chosen == "portable" else {}
            print(json.dumps({"settings": read_settings(), "results": results}), flush=True)
            os._exit(0)
        os.wait()


def read_settings() -> dict[str, object]:
    """Read which kernels and how many threads the libraries use."""
    import threadpoolctl  # type: ignore[import-untyped]
    import torch

    [openblas] = [library for library in threadpoolctl.threadpool_info() if library["internal_api"] == "openblas"]
    return {
        "threads": torch.get_num_threads(),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "OpenBLAS threads": openblas["num_threads"],
        "OpenBLAS kernels": openblas["architecture"],
    }


def compute(*, is_augmented: bool) -> dict[str, str]:
    """Compute the results with augmentation, or the others."""
    if is_augmented:
        return {"training": train(augment="elastic"), "images": augment()}
    return {
        "sgd": train(),
        "adam": train(optimizer="adam", lr=0.001),
        "mse": train(loss="mse", momentum=0.9, weight_decay=0.001, schedule="one_cycle"),
        "logits": predict(),
    }


def train(**changes: object) -> str:
    """Train for one epoch; hash the weights and the metrics."""
    import torch

    from stages.shared.linear import PortableLinear
    from stages.shared.network import build_network
    from stages.train import train
    from tests.stages.conftest import make_parameters, make_split

    torch.manual_seed(0)
    training, validation = make_split(333), make_split(50, seed=1)
    parameters = make_parameters(**changes)
    network = build_network(training.dataset, parameters, PortableLinear)
    epoch = train(network, training, validation, parameters, lambda _: None)
    return hash_tensors(*network.parameters()) + str(epoch)


def augment() -> str:
    import torch

    from stages.shared.augmentation import build_augmentation

    generator = torch.Generator().manual_seed(0)
    images = torch.rand(64, 1, 28, 28, generator=generator)
    return hash_tensors(build_augmentation("elastic", images, generator)(images))


def predict() -> str:
    """Hash the logits and losses of an untrained network."""
    import torch
    from torch.nn import functional

    from stages.shared.network import build_network, predict
    from tests.stages.conftest import DATASET, make_parameters

    torch.manual_seed(0)
    logits = predict(build_network(DATASET, make_parameters()), torch.rand(2_000, 1, 28, 28)).double()
    losses = functional.cross_entropy(logits, torch.randint(0, 10, (2_000,)), reduction="none")
    return hash_tensors(logits, losses, logits.softmax(dim=1))


def hash_tensors(*tensors: "Tensor") -> str:
    return hashlib.sha256(b"".join(tensor.detach().numpy().tobytes() for tensor in tensors)).hexdigest()


if __name__ == "__main__":
    main()
