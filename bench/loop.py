"""Our training loop alone, in a process of its own, because numerics are chosen once in a process.

Reads train.safetensors and test.safetensors from a folder, and params.yaml, of which the options below take precedence.
Prints a Timing as JSON.

Run: python -m bench.loop FOLDER --numerics native --epochs 10
"""

import argparse
import json
import time
from pathlib import Path
from typing import NamedTuple

from stages.shared import numerics
from stages.shared.parameters import read_parameters
from stages.train.parameters import Parameters


class Timing(NamedTuple):
    """The seconds of the whole loop; when each epoch ended, in seconds from its start; the test accuracy."""

    seconds: float
    epoch_ends: list[float]
    accuracy: float


def main() -> None:
    """Train with the parameters that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--numerics", choices=["portable", "native"], required=True)
    parser.add_argument("--optimizer", default="sgd")
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    changes = vars(parser.parse_args())
    folder = changes.pop("folder")
    parameters = read_parameters(Parameters).model_copy(update=changes)
    numerics.pin(parameters.numerics)
    print(json.dumps(time_training(folder, parameters)._asdict()))


def time_training(folder: Path, parameters: Parameters) -> Timing:
    """Train on all images of the training split, then test."""
    # Only now: numpy and torch take the pin as they are loaded.
    import torch

    from stages.shared.network import build_network
    from stages.shared.split import read_split
    from stages.train.training import LabeledImages, train

    training, test = (
        LabeledImages(*map(torch.from_numpy, read_split(folder / f"{name}.safetensors"))) for name in ("train", "test")
    )
    no_validation = LabeledImages(training.images[:0], training.labels[:0])
    torch.manual_seed(parameters.seed)
    network = build_network(parameters.hidden_sizes)
    # The first optimizer of a process loads torch's compiler; the article's, too, is made before its clock starts.
    torch.optim.SGD(network.parameters())
    epoch_ends: list[float] = []
    begin = time.perf_counter()
    train(network, training, no_validation, parameters, lambda _: epoch_ends.append(time.perf_counter() - begin))
    seconds = time.perf_counter() - begin
    with torch.inference_mode():
        accuracy = (network(test.images).argmax(dim=1) == test.labels).float().mean().item()
    return Timing(seconds, epoch_ends, accuracy)


if __name__ == "__main__":
    main()
