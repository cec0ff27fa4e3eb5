"""Train the network.

Reads data/normalized/{train,validation}.safetensors; writes models/mlp.safetensors, and the curves of loss and accuracy
in metrics/train.
"""

import copy
import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from stages.shared import numerics
from stages.shared.epoch import UNTRAINED, Epoch, Metrics
from stages.shared.errors import writing
from stages.shared.parameters import NetworkParameters, TrainParameters, check_patience
from stages.shared.program import run

if TYPE_CHECKING:
    from torch import Tensor, nn

    from stages.shared.splits import Split

CURVES = Path("metrics/train")


def main(parameters: TrainParameters) -> None:
    """Write the curves after each epoch, and the network at the end."""
    numerics.pin(parameters.numerics)  # before numpy and torch are imported

    import torch
    from dvclive import Live
    from torch import nn

    from stages.shared import splits
    from stages.shared.linear import PortableLinear
    from stages.shared.network import MODEL, build_network, check_network, save_network

    training, validation = splits.read_split(splits.TRAIN), splits.read_split(splits.VALIDATION)
    check_patience(parameters.patience, len(validation.labels))
    built_from = NetworkParameters(**parameters.model_dump())  # what is saved, to build the network again
    check_network(build_network(training.dataset, built_from), training.dataset)  # with PyTorch's layers and errors
    torch.manual_seed(parameters.seed)
    linear = PortableLinear if parameters.numerics == "portable" else nn.Linear
    network = build_network(training.dataset, built_from, linear)
    epochs: list[Epoch] = []
    with (
        writing(CURVES, sqlite3.Error),  # DVCLive opens a database of DVC
        Live(str(CURVES), report=None, dvcyaml=None, save_dvc_exp=False) as live,
    ):

        def report(epoch: Epoch) -> None:
            epochs.append(epoch)
            epoch.log(live)

        kept = train(network, training, validation, parameters, report)
        kept.log(live, plot=False)  # metrics.json describes the weights that were kept
    save_network(MODEL, network, training.dataset, built_from)
    if kept.validation:
        best = min(epochs, key=lambda epoch: epoch.validation_loss)
        print(f"Best epoch by validation loss: {best.number}; {MODEL} is of epoch {kept.number}")


def train(
    network: "nn.Module",
    training: "Split",
    validation: "Split",
    parameters: TrainParameters,
    report: Callable[[Epoch], None],
) -> Epoch:
    """Train `network` in place, call `report` after each epoch, and return the epoch whose weights are kept.

    That is the last epoch, or, with patience, the one with the lowest validation loss. Where a killed run left a
    checkpoint, `report` is called for its epochs, too, and training resumes after them.

    Raises:
        StageError: the loss is not finite.
    """
    import torch

    from stages.shared.augmentation import build_augmentation
    from stages.shared.checkpoint import Checkpoint
    from stages.shared.optimization import build_loss, build_optimizer, build_schedule

    size = len(training.labels)
    steps = parameters.epochs * math.ceil(size / parameters.batch_size)
    generator = torch.Generator().manual_seed(parameters.seed)
    augment = build_augmentation(parameters.augment, training.images, generator)
    loss_function = build_loss(parameters)
    optimizer = build_optimizer(network.parameters(), parameters)
    schedule = build_schedule(optimizer, parameters, steps)

    checkpoint = Checkpoint(parameters, generator, network=network, optimizer=optimizer, schedule=schedule)
    epochs, kept, weights = checkpoint.load() or ([], UNTRAINED, network.state_dict())
    for epoch in epochs:
        report(epoch)  # again: DVC has removed the curves
    with tqdm(total=steps, initial=schedule.last_epoch, unit="step", leave=False, disable=None) as progress:
        for number in range(len(epochs) + 1, parameters.epochs + 1):
            network.train()
            losses, correct = [], 0
            for batch in torch.randperm(size, generator=generator).split(parameters.batch_size):
                images = augment(training.images.index_select(0, batch))  # faster than images[batch]
                labels = training.labels.index_select(0, batch)
                logits = network(images)
                loss = loss_function(logits, labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                losses.append(loss.item() * len(labels))
                correct += count_correct(logits, labels)
                progress.update()
            metrics = Metrics(math.fsum(losses) / size, correct / size)
            epoch = Epoch(number, metrics, evaluate(network, validation, loss_function))
            epoch.check_finite()
            tqdm.write(epoch.describe(parameters.epochs))
            report(epoch)
            epochs.append(epoch)
            if not parameters.patience or epoch.validation_loss < kept.validation_loss:
                kept, weights = epoch, copy.deepcopy(network.state_dict())
            elif number - kept.number >= parameters.patience:
                break
            checkpoint.save(epochs, kept, weights)
    network.load_state_dict(weights)
    return kept


def evaluate(network: "nn.Module", examples: "Split", loss_function: "nn.Module") -> Metrics | None:
    """Compute the metrics of a network on `examples`; None if there are none."""
    from stages.shared.network import predict

    if len(examples.labels) == 0:
        return None
    logits = predict(network, examples.images)
    loss = loss_function(logits, examples.labels).item()
    return Metrics(loss, count_correct(logits, examples.labels) / len(examples.labels))


def count_correct(logits: "Tensor", labels: "Tensor") -> int:
    """Count the images whose class has the highest logit."""
    return int((logits.argmax(dim=1) == labels).sum())


if __name__ == "__main__":
    run("train", main, TrainParameters)
