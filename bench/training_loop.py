"""Time our training loop in a separate process, because numerics cannot be changed within a process.

Reads train.safetensors and test.safetensors from FOLDER, and params.yaml; the options below override params.yaml.
The output is a Timing as JSON.

Run: python -m bench.training_loop FOLDER --numerics native --epochs 10
"""

import argparse
import json
import time
from pathlib import Path
from typing import NamedTuple

from runtime.parameters import read_parameters
from stages.shared import numerics
from stages.train.parameters import Parameters


class Timing(NamedTuple):
    """Seconds of all epochs, seconds from the start to the end of each epoch, and test accuracy from 0 to 1."""

    training_seconds: float
    epoch_ends: list[float]
    accuracy: float


def main() -> None:
    """Parse the command line, train, and print the timing."""
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
    """Train on all images of train.safetensors, without validation, and test on test.safetensors."""
    # Imported here because numpy and torch read the settings of `numerics.pin` when they are imported.
    import torch

    from stages.shared.split import read_split
    from stages.train.network import build_network
    from stages.train.training import LabeledImages, train

    training, test = (
        LabeledImages(*map(torch.from_numpy, read_split(folder / f"{name}.safetensors"))) for name in ("train", "test")
    )
    no_validation = LabeledImages(training.images[:0], training.labels[:0])
    torch.manual_seed(parameters.seed)
    network = build_network(parameters.hidden_sizes)
    epoch_ends: list[float] = []
    start = time.perf_counter()
    train(network, training, no_validation, parameters, lambda _: epoch_ends.append(time.perf_counter() - start))
    training_seconds = time.perf_counter() - start
    with torch.inference_mode():
        accuracy = (network(test.images).argmax(dim=1) == test.labels).float().mean().item()
    return Timing(training_seconds, epoch_ends, accuracy)


if __name__ == "__main__":
    main()
