"""Training: the loop over epochs and batches."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from stages.shared.augmentation import Augmentation, build_augmentation
from stages.shared.backward import backward, build_gradient, flatten_weights
from stages.shared.errors import StageError
from stages.shared.forward import forward
from stages.shared.losses import Metrics, compute_metrics, loss_gradient
from stages.shared.optimizers import build_optimizer, build_schedule
from stages.shared.parameters import TrainParameters
from stages.shared.shapes import CLASSES
from stages.shared.weights import Layer


class LabeledImages(NamedTuple):
    """Images, float32 of shape (n, 28, 28), and labels, int64 of shape (n,)."""

    images: Tensor
    labels: Tensor


class Epoch(NamedTuple):
    """Metrics of one epoch, numbered from 1.

    `train` is of the logits that the weights were updated from, during the epoch; `validation` is of its end.
    """

    number: int
    train: Metrics
    validation: Metrics | None


UNTRAINED = Epoch(0, Metrics(math.inf, 0), None)


@np.errstate(over="ignore", invalid="ignore")  # if training diverges, the loss is not finite
def train(
    network: nn.Sequential,
    training: LabeledImages,
    validation: LabeledImages,
    parameters: TrainParameters,
    report: Callable[[Epoch], None],
) -> Epoch:
    """Train `network` in place, call `report` after each epoch, and return the epoch whose weights are kept.

    That is the last epoch, or, with patience, the one with the lowest validation loss.

    Raises:
        StageError: the loss is not finite.
    """
    steps = parameters.epochs * math.ceil(len(training.labels) / parameters.batch_size)
    generator = torch.Generator().manual_seed(parameters.seed)
    augment = build_augmentation(parameters.augment, training.images.numpy(), generator)
    weights = flatten_weights(network)
    gradient = build_gradient(weights)
    optimize = build_optimizer(weights.tensor, gradient.tensor, parameters)
    learning_rates = build_schedule(parameters, steps)

    kept, kept_weights = UNTRAINED, weights.tensor
    with tqdm(total=steps, unit="step", leave=False, disable=None) as progress:

        def step(images: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
            activations = forward(weights.layers, images)
            logits_gradient = loss_gradient(activations[-1], labels, parameters.loss)
            backward(weights.layers, activations, logits_gradient, gradient.layers)
            optimize(lr=next(learning_rates))
            progress.update()
            return activations[-1]

        for number in range(1, parameters.epochs + 1):
            order = torch.randperm(len(training.labels), generator=generator).numpy()
            train_metrics = run_epoch(training, order, augment, step, parameters)
            epoch = Epoch(number, train_metrics, evaluate(weights.layers, validation, parameters.loss))
            check_finite(epoch)
            report(epoch)
            if not parameters.patience:
                kept = epoch
            elif validation_loss(epoch) < validation_loss(kept):
                kept, kept_weights = epoch, weights.tensor.clone()
            elif number - kept.number >= parameters.patience:
                break
    weights.tensor.copy_(kept_weights)
    return kept


def run_epoch(
    training: LabeledImages,
    order: NDArray[np.int64],
    augment: Augmentation,
    step: Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]],
    parameters: TrainParameters,
) -> Metrics:
    """Call `step` with batches of augmented images and their labels, and compute the metrics of the logits it returns.

    `order` has the indices of all images; the last batch may be smaller.
    """
    all_images, labels = training.images.numpy(), training.labels.numpy()[order]
    # One large array, since many small ones between the batches would fragment the memory.
    logits = np.empty((len(labels), CLASSES), np.float32)
    for begin in range(0, len(labels), parameters.batch_size):
        batch = slice(begin, begin + parameters.batch_size)
        images = augment(all_images.take(order[batch], axis=0))
        logits[batch] = step(images, labels[batch])
    return compute_metrics(torch.from_numpy(logits), torch.from_numpy(labels), parameters.loss)


def evaluate(layers: list[Layer], examples: LabeledImages, loss: str) -> Metrics | None:
    """Compute the metrics of a network on `examples`; None if there are none."""
    if len(examples.labels) == 0:
        return None
    logits = torch.from_numpy(forward(layers, examples.images.numpy())[-1])
    return compute_metrics(logits, examples.labels, loss)


def check_finite(epoch: Epoch) -> None:
    """Raise StageError if training has diverged."""
    if not all(math.isfinite(metrics.loss) for metrics in (epoch.train, epoch.validation) if metrics):
        raise StageError(
            f"training diverged in epoch {epoch.number}: loss {epoch.train.loss}, validation loss "
            f"{validation_loss(epoch)}; choose a lower lr in params.yaml; make restore brings the last model back"
        )


def validation_loss(epoch: Epoch) -> float:
    """Return the loss that patience compares; infinity without a validation set."""
    return epoch.validation.loss if epoch.validation else math.inf
