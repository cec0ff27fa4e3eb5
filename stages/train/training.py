"""Training: losses, optimizers, the learning rate schedule, and the loop over epochs and batches."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from tqdm import tqdm

from runtime.errors import StageError
from stages.shared.shapes import CLASSES
from stages.train.augmentation import Augmentation, build_augmentation
from stages.train.flat_network import FlatNetwork
from stages.train.parameters import Parameters


class LabeledImages(NamedTuple):
    """Images, float32 of shape (n, 28, 28), and labels, int64 of shape (n,)."""

    images: Tensor
    labels: Tensor


class Metrics(NamedTuple):
    """Mean loss and accuracy (0 to 1) over a set of images."""

    loss: float
    accuracy: float


class Epoch(NamedTuple):
    """Metrics of one epoch, numbered from 1.

    `train` is of the logits that the weights were updated from, during the epoch; `validation` is of its end.
    """

    number: int
    train: Metrics
    validation: Metrics | None


UNTRAINED = Epoch(0, Metrics(math.inf, 0), None)


def train(
    network: nn.Sequential,
    training: LabeledImages,
    validation: LabeledImages,
    parameters: Parameters,
    report: Callable[[Epoch], None],
) -> Epoch:
    """Train `network` in place, call `report` after each epoch, and return the epoch whose weights are kept.

    That is the last epoch, or, with patience, the one with the lowest validation loss.

    Raises:
        StageError: the loss is not finite.
    """
    steps = parameters.epochs * math.ceil(len(training.labels) / parameters.batch_size)
    generator = torch.Generator().manual_seed(parameters.seed)
    augment = build_augmentation(parameters.augment, training.images.min().item(), generator)
    flat_network = FlatNetwork(network)
    optimizer = build_optimizer(flat_network, parameters)
    schedule = build_schedule(optimizer, parameters, steps)

    kept, kept_weights = UNTRAINED, flat_network.weights.detach()
    with tqdm(total=steps, unit="step", leave=False, disable=None) as progress:

        def update(loss: Tensor) -> None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if schedule:
                schedule.step()
            progress.update()

        for number in range(1, parameters.epochs + 1):
            batches = draw_batches(training, parameters.batch_size, augment, generator)
            train_metrics = run_epoch(flat_network, training, batches, parameters.loss, update)
            epoch = Epoch(number, train_metrics, evaluate(flat_network, validation, parameters.loss))
            check_finite(epoch)
            report(epoch)
            if not parameters.patience:
                kept = epoch
            elif validation_loss(epoch) < validation_loss(kept):
                kept, kept_weights = epoch, flat_network.weights.detach().clone()
            elif number - kept.number >= parameters.patience:
                break
    flat_network.weights.data.copy_(kept_weights)
    return kept


def build_optimizer(network: nn.Module, parameters: Parameters) -> Optimizer:
    """Build an optimizer of torch.optim, with PyTorch's defaults for what `parameters` do not set.

    Fused, because the other implementation uses MKL's square root, which differs between Intel and AMD processors.
    RMSprop has no fused implementation.
    """
    weights = list(network.parameters())
    lr, momentum, weight_decay = parameters.lr, parameters.momentum, parameters.weight_decay
    match parameters.optimizer:
        case "sgd":
            return torch.optim.SGD(weights, lr=lr, momentum=momentum, weight_decay=weight_decay, fused=True)
        case "adam":
            return torch.optim.Adam(weights, lr=lr, weight_decay=weight_decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(weights, lr=lr, weight_decay=weight_decay, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(weights, lr=lr, momentum=momentum, weight_decay=weight_decay)


def build_schedule(optimizer: Optimizer, parameters: Parameters, steps: int) -> LRScheduler | None:
    """Build the learning rate schedule; None is constant. Source of one_cycle: Smith and Topin, arXiv:1708.07120."""
    if parameters.schedule == "constant":
        return None
    return OneCycleLR(optimizer, max_lr=parameters.lr, total_steps=steps, cycle_momentum=False)


def draw_batches(
    training: LabeledImages, batch_size: int, augment: Augmentation, generator: torch.Generator
) -> Iterator[LabeledImages]:
    """Yield all images once, in random order, augmented, in batches; the last one may be smaller."""
    for batch in torch.randperm(len(training.labels), generator=generator).split(batch_size):
        images, labels = training.images.index_select(0, batch), training.labels.index_select(0, batch)
        yield LabeledImages(augment(images), labels)


def run_epoch(
    network: nn.Module,
    training: LabeledImages,
    batches: Iterable[LabeledImages],
    loss: str,
    update: Callable[[Tensor], None],
) -> Metrics:
    """Call `update` with the loss of each batch of `training`, and compute the metrics of the logits of all batches."""
    # Two large tensors, since many small ones between the batches would fragment the memory.
    all_logits = training.images.new_empty(len(training.labels), CLASSES)
    all_labels = torch.empty_like(training.labels)
    begin = 0
    for images, labels in batches:
        logits = network(images)
        update(mean_loss(logits, labels, loss))
        end = begin + len(labels)
        all_logits[begin:end], all_labels[begin:end] = logits.detach(), labels
        begin = end
    return compute_metrics(all_logits, all_labels, loss)


def mean_loss(logits: Tensor, labels: Tensor, loss: str) -> Tensor:
    """Compute the loss that training minimizes, a scalar; mse is of the logits and one-hot targets."""
    if loss == "mse":
        return functional.mse_loss(logits, one_hot(labels, logits))
    return functional.cross_entropy(logits, labels)


def image_losses(logits: Tensor, labels: Tensor, loss: str) -> Tensor:
    """Compute the loss of each image, of shape (n,); `mean_loss` is their mean."""
    if loss == "mse":
        return functional.mse_loss(logits, one_hot(labels, logits), reduction="none").mean(dim=1)
    return functional.cross_entropy(logits, labels, reduction="none")


def one_hot(labels: Tensor, logits: Tensor) -> Tensor:
    """Encode labels of shape (n,) as targets of the shape and dtype of `logits`, (n, 10)."""
    return functional.one_hot(labels, CLASSES).to(logits.dtype)


def evaluate(network: nn.Module, examples: LabeledImages, loss: str) -> Metrics | None:
    """Compute the metrics of `network` on `examples`; None if there are none."""
    if len(examples.labels) == 0:
        return None
    with torch.inference_mode():
        return compute_metrics(network(examples.images), examples.labels, loss)


def compute_metrics(logits: Tensor, labels: Tensor, loss: str) -> Metrics:
    """Compute the metrics of logits of shape (n, 10). The sum is exact: independent of the order of additions."""
    total_loss = math.fsum(image_losses(logits, labels, loss).tolist())
    correct = int((logits.argmax(dim=1) == labels).sum())
    return Metrics(total_loss / len(labels), correct / len(labels))


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
