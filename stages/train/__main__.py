"""Train the network.

Reads data/normalized/{train,validation}.safetensors; writes models/mlp.safetensors and the curves in metrics/train.

Run: dvc repro train
"""

from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from stages.shared import numerics, stage
from stages.shared.files import writing
from stages.shared.parameters import confirm_parameters, read_parameters
from stages.train.parameters import Parameters, check_patience

if TYPE_CHECKING:
    from dvclive import Live

    from stages.train.training import Epoch

CURVES = Path("metrics/train")


def main() -> None:
    """Train, write the curves after each epoch, and the model at the end."""
    parameters = read_parameters(Parameters)

    numerics.pin(parameters.numerics)

    # Only now: a mistyped parameter need not wait for torch, and numpy takes the pin as it is loaded.
    import torch
    from dvclive import Live

    from stages.shared import split
    from stages.shared.network import MODEL, build_network, save_network
    from stages.train.training import Epoch, LabeledImages, train, validation_loss

    training = LabeledImages(*map(torch.from_numpy, split.read_split(split.TRAIN)))
    validation = LabeledImages(*map(torch.from_numpy, split.read_split(split.VALIDATION)))
    check_patience(parameters.patience, len(validation.labels))
    torch.manual_seed(parameters.seed)
    network = build_network(parameters.hidden_sizes)
    with writing(CURVES), Live(str(CURVES), report=None, dvcyaml=None, save_dvc_exp=False) as live:
        epochs: list[Epoch] = []

        def report(epoch: Epoch) -> None:
            epochs.append(epoch)
            tqdm.write(describe(epoch, parameters.epochs))
            log(epoch, live)

        kept = train(network, training, validation, parameters, report)
        log(kept, live, plot=False)  # the summary, metrics.json, is of the weights that were kept
    confirm_parameters(parameters)
    save_network(MODEL, network)
    if kept.validation:
        best = min(epochs, key=validation_loss)
        print(f"Best epoch by validation loss: {best.number}; {MODEL} holds epoch {kept.number}")


def describe(epoch: "Epoch", epochs: int) -> str:
    """Say in one line what an epoch came to."""
    line = f"Epoch {epoch.number}/{epochs}: loss {epoch.train.loss:.4f}, accuracy {epoch.train.accuracy:.4f}"
    if epoch.validation:
        line += f"; validation loss {epoch.validation.loss:.4f}, accuracy {epoch.validation.accuracy:.4f}"
    return line


def log(epoch: "Epoch", live: "Live", *, plot: bool = True) -> None:
    """Hand the scores of an epoch to DVCLive, for the summary and, with `plot`, the curves."""
    live.step = epoch.number
    for name, score in (("train", epoch.train), ("validation", epoch.validation)):
        if score:
            live.log_metric(f"{name}/loss", score.loss, plot=plot)
            live.log_metric(f"{name}/accuracy", score.accuracy, plot=plot)
    live.make_summary()


if __name__ == "__main__":
    stage.run(main)
