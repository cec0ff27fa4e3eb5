"""Training: the losses, the optimizers, the schedule, and the passes over the images."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from tqdm import tqdm

from stages.shared.shapes import CLASSES
from stages.shared.stage import StageError
from stages.train.augmentation import Augmentation, build_augmentation
from stages.train.flat_network import FlatNetwork
from stages.train.parameters import Parameters


class LabeledImages(NamedTuple):
    """Images, float32 of shape (n, 28, 28), and labels, int64 of shape (n,)."""

    images: Tensor
    labels: Tensor


class Score(NamedTuple):
    """Mean loss and share of right answers over a set of images."""

    loss: float
    accuracy: float


class Epoch(NamedTuple):
    """What one pass over the training images came to.

    `train` is measured on the way, each image before the update it is used for; `validation` at the end.
    """

    number: int
    train: Score
    validation: Score | None


BEFORE_THE_FIRST = Epoch(0, Score(math.inf, 0), None)


def train(
    network: nn.Sequential,
    training: LabeledImages,
    validation: LabeledImages,
    parameters: Parameters,
    report: Callable[[Epoch], None],
) -> Epoch:
    """Train `network` in place, call `report` after each epoch, and return the epoch whose weights were kept.

    That is the last epoch, or, with patience, the one of the lowest validation loss.

    Raises:
        StageError: the loss is no longer finite.
    """
    steps = parameters.epochs * math.ceil(len(training.labels) / parameters.batch_size)
    generator = torch.Generator().manual_seed(parameters.seed)
    augment = build_augmentation(parameters.augment, training.images.min().item(), generator)
    flat_network = FlatNetwork(network)
    optimizer = build_optimizer(flat_network, parameters)
    schedule = build_schedule(optimizer, parameters, steps)

    kept, kept_weights = BEFORE_THE_FIRST, flat_network.weights.detach()
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
            train_score = run_epoch(flat_network, training, batches, parameters.loss, update)
            epoch = Epoch(number, train_score, score(flat_network, validation, parameters.loss))
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
    """Build the optimizer of torch.optim that `parameters` name; what they do not set is PyTorch's default.

    Fused, since the square root of the other form is MKL's, which differs between makes of processors; RMSprop has
    no fused form.
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
    """Build the schedule of the learning rate; None leaves it constant. Source: Smith, arXiv:1708.07120."""
    if parameters.schedule == "constant":
        return None
    return OneCycleLR(optimizer, max_lr=parameters.lr, total_steps=steps, cycle_momentum=False)


def draw_batches(
    training: LabeledImages, batch_size: int, augment: Augmentation, generator: torch.Generator
) -> Iterator[LabeledImages]:
    """Yield all images once, in a new order, in batches of which the last may be smaller."""
    for batch in torch.randperm(len(training.labels), generator=generator).split(batch_size):
        images, labels = training.images.index_select(0, batch), training.labels.index_select(0, batch)
        yield LabeledImages(augment(images), labels)


def run_epoch(
    network: nn.Module,
    training: LabeledImages,
    batches: Iterable[LabeledImages],
    loss: str,
    update: Callable[[Tensor], None],
) -> Score:
    """Update the weights once for each batch of `training`, and score what the network said of the images before."""
    # Not lists: many small tensors among the batches would keep their memory from being used again.
    said = training.images.new_empty(len(training.labels), CLASSES)
    meant = torch.empty_like(training.labels)
    begin = 0
    for images, labels in batches:
        logits = network(images)
        update(mean_loss(logits, labels, loss))
        end = begin + len(labels)
        said[begin:end], meant[begin:end] = logits.detach(), labels
        begin = end
    return score_logits(said, meant, loss)


def mean_loss(logits: Tensor, labels: Tensor, loss: str) -> Tensor:
    """Compute the loss that training minimizes, a scalar. mse compares the logits with one-hot targets."""
    if loss == "mse":
        return functional.mse_loss(logits, one_hot(labels, logits))
    return functional.cross_entropy(logits, labels)


def image_losses(logits: Tensor, labels: Tensor, loss: str) -> Tensor:
    """Compute the loss of each image, of shape (n,), of which `mean_loss` is the mean."""
    if loss == "mse":
        return functional.mse_loss(logits, one_hot(labels, logits), reduction="none").mean(dim=1)
    return functional.cross_entropy(logits, labels, reduction="none")


def one_hot(labels: Tensor, logits: Tensor) -> Tensor:
    """Return targets of the shape and dtype of `logits`: 1 for the class that is meant, 0 for the others."""
    return functional.one_hot(labels, CLASSES).to(logits.dtype)


def score(network: nn.Module, examples: LabeledImages, loss: str) -> Score | None:
    """Score the network as it is on `examples`; None if there are none."""
    if len(examples.labels) == 0:
        return None
    with torch.inference_mode():
        return score_logits(network(examples.images), examples.labels, loss)


def score_logits(logits: Tensor, labels: Tensor, loss: str) -> Score:
    """Score logits of shape (n, 10). The sum over the images is exact, so it depends on no order of additions."""
    total_loss = math.fsum(image_losses(logits, labels, loss).tolist())
    right = int((logits.argmax(dim=1) == labels).sum())
    return Score(total_loss / len(labels), right / len(labels))


def check_finite(epoch: Epoch) -> None:
    """Raise StageError if training has diverged."""
    if not all(math.isfinite(score.loss) for score in (epoch.train, epoch.validation) if score):
        raise StageError(
            f"the loss is no longer finite in epoch {epoch.number}: training {epoch.train.loss}, "
            f"validation {validation_loss(epoch)}; choose a lower lr in params.yaml"
        )


def validation_loss(epoch: Epoch) -> float:
    """Return what patience goes by; without a validation set, infinity."""
    return epoch.validation.loss if epoch.validation else math.inf
