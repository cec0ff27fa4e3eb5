"""Train the network.

Reads data/normalized/{train,validation}.safetensors; writes models/mlp.safetensors, and the curves of loss and accuracy
in metrics/train.
"""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from stages.shared import numerics
from stages.shared.errors import writing
from stages.shared.parameters import TrainParameters, check_patience
from stages.shared.program import run

if TYPE_CHECKING:
    from dvclive import Live

    from stages.shared.training import Epoch

CURVES = Path("metrics/train")


def main(parameters: TrainParameters) -> None:
    """Write the curves after each epoch, and the model at the end."""
    numerics.pin(parameters.numerics)  # before numpy and torch are imported

    import torch
    from dvclive import Live

    from stages.shared import splits
    from stages.shared.network import build_network, save_network
    from stages.shared.training import Epoch, LabeledImages, train, validation_loss
    from stages.shared.weights import MODEL

    training = LabeledImages(*map(torch.from_numpy, splits.read_split(splits.TRAIN)))
    validation = LabeledImages(*map(torch.from_numpy, splits.read_split(splits.VALIDATION)))
    check_patience(parameters.patience, len(validation.labels))
    torch.manual_seed(parameters.seed)
    network = build_network(parameters.hidden_sizes)
    epochs: list[Epoch] = []
    with (
        writing(CURVES, sqlite3.Error),  # DVCLive opens a database of DVC
        Live(str(CURVES), report=None, dvcyaml=None, save_dvc_exp=False) as live,
    ):

        def report(epoch: Epoch) -> None:
            epochs.append(epoch)
            tqdm.write(describe(epoch, parameters.epochs))
            log(epoch, live)

        kept = train(network, training, validation, parameters, report)
        log(kept, live, plot=False)  # metrics.json describes the weights that were kept
    save_network(MODEL, network)
    if kept.validation:
        best = min(epochs, key=validation_loss)
        print(f"Best epoch by validation loss: {best.number}; {MODEL} is of epoch {kept.number}")


def describe(epoch: "Epoch", epochs: int) -> str:
    """Format the metrics of one epoch as a line."""
    line = f"Epoch {epoch.number}/{epochs}: loss {epoch.train.loss:.4f}, accuracy {epoch.train.accuracy:.4f}"
    if epoch.validation:
        line += f"; validation loss {epoch.validation.loss:.4f}, accuracy {epoch.validation.accuracy:.4f}"
    return line


def log(epoch: "Epoch", live: "Live", *, plot: bool = True) -> None:
    """Log the metrics of one epoch to metrics.json and, with `plot`, to the curves."""
    live.step = epoch.number
    for name, metrics in (("train", epoch.train), ("validation", epoch.validation)):
        if metrics:
            live.log_metric(f"{name}/loss", metrics.loss, plot=plot)
            live.log_metric(f"{name}/accuracy", metrics.accuracy, plot=plot)
    live.make_summary()


if __name__ == "__main__":
    run("train", main, TrainParameters)
