import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from stages.shared.network import build_network
from stages.shared.stage import StageError
from stages.train.parameters import Parameters
from stages.train.training import Epoch, LabeledImages, draw_batches, image_losses, mean_loss, score_logits, train
from tests.conftest import make_split

Array = NDArray[np.float64]

DEFAULTS = {
    "seed": 0,
    "hidden_sizes": [128, 64],
    "loss": "cross_entropy",
    "optimizer": "sgd",
    "lr": 0.01,
    "momentum": 0,
    "weight_decay": 0,
    "batch_size": 64,
    "epochs": 1,
    "schedule": "constant",
    "augment": "none",
    "patience": 0,
    "numerics": "portable",
}


def make_parameters(**changes: object) -> Parameters:
    return Parameters.model_validate(DEFAULTS | changes)


def make_labeled(size: int, seed: int = 0) -> LabeledImages:
    return LabeledImages(*map(torch.from_numpy, make_split(size, seed)))


def run(
    parameters: Parameters, size: int = 200, validation_size: int = 40
) -> tuple[torch.nn.Module, list[Epoch], Epoch]:
    torch.manual_seed(parameters.seed)
    network = build_network(parameters.hidden_sizes)
    epochs: list[Epoch] = []
    kept = train(network, make_labeled(size), make_labeled(validation_size, seed=1), parameters, epochs.append)
    return network, epochs, kept


def reference_gradients(weights: list[Array], images: Array, labels: NDArray[np.int64], loss: str) -> list[Array]:
    """Compute the gradients of the mean loss with respect to (W1, b1, W2, b2, W3, b3), by hand, in float64."""
    w1, b1, w2, b2, w3, b3 = weights
    first = np.maximum(images @ w1.T + b1, 0)
    second = np.maximum(first @ w2.T + b2, 0)
    logits = second @ w3.T + b3
    targets = np.eye(10)[labels]
    if loss == "cross_entropy":
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        delta = (exponentials / exponentials.sum(axis=1, keepdims=True) - targets) / len(images)
    else:
        delta = 2 * (logits - targets) / targets.size
    delta_second = delta @ w3 * (second > 0)
    delta_first = delta_second @ w2 * (first > 0)
    return [
        *(delta_first.T @ images, delta_first.sum(axis=0)),
        *(delta_second.T @ first, delta_second.sum(axis=0)),
        *(delta.T @ second, delta.sum(axis=0)),
    ]


def reference_update(optimizer: str, weights: list[Array], gradients: list[Array], lr: float) -> list[Array]:
    """Apply the first step of SGD, or of Adam (Kingma and Ba, arXiv:1412.6980, algorithm 1)."""
    if optimizer == "sgd":
        return [weight - lr * gradient for weight, gradient in zip(weights, gradients, strict=True)]
    # After one step the bias-corrected moments are the gradient and its square.
    return [
        weight - lr * gradient / (np.sqrt(gradient**2) + 1e-8)
        for weight, gradient in zip(weights, gradients, strict=True)
    ]


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_step_is_what_the_formulas_say(optimizer: str, loss: str) -> None:
    parameters = make_parameters(optimizer=optimizer, loss=loss, lr=0.1 if optimizer == "sgd" else 0.001)
    torch.manual_seed(0)
    network = build_network(parameters.hidden_sizes).double()
    before = [tensor.detach().numpy().copy() for tensor in network.parameters()]
    images, labels = make_labeled(64)
    train(network, LabeledImages(images.double(), labels), make_labeled(0), parameters, lambda _: None)
    flat_images = images.double().numpy().reshape(64, 784)
    gradients = reference_gradients(before, flat_images, labels.numpy(), loss)
    expected = reference_update(optimizer, before, gradients, parameters.lr)
    for tensor, array in zip(network.parameters(), expected, strict=True):
        np.testing.assert_allclose(tensor.detach().numpy(), array, rtol=0, atol=1e-12)


def test_two_runs_give_the_same_bytes() -> None:
    weights = [run(make_parameters(epochs=2))[0].state_dict() for _ in range(2)]
    for one, other in zip(weights[0].values(), weights[1].values(), strict=True):
        assert one.numpy().tobytes() == other.numpy().tobytes()


def test_another_seed_gives_other_weights() -> None:
    one, other = (next(run(make_parameters(seed=seed))[0].parameters()) for seed in (0, 1))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_the_network_can_learn_64_images_by_heart(loss: str) -> None:
    parameters = make_parameters(optimizer="adam", lr=0.003, epochs=80, batch_size=16, loss=loss)
    _, epochs, _ = run(parameters, size=64, validation_size=0)
    assert epochs[-1].train.accuracy == 1
    assert epochs[-1].train.loss < epochs[0].train.loss / 20


def test_a_smaller_last_batch_weighs_by_its_images() -> None:
    """With a learning rate of nearly 0 the loss of the epoch is the mean over all images, however they are batched."""
    losses = [
        run(make_parameters(lr=1e-12, batch_size=batch_size), size=100)[1][0].train.loss for batch_size in (64, 100, 99)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[2] == pytest.approx(losses[1], rel=1e-6)


def test_every_image_is_used_once_an_epoch_in_a_new_order() -> None:
    examples = LabeledImages(torch.arange(100.0), torch.arange(100))
    generator = torch.Generator().manual_seed(0)
    orders = []
    for _ in range(2):
        batches = list(draw_batches(examples, 30, lambda images: images, generator))
        assert [len(batch.labels) for batch in batches] == [30, 30, 30, 10]
        labels = torch.cat([batch.labels for batch in batches])
        torch.testing.assert_close(torch.cat([batch.images for batch in batches]), labels.float())
        assert labels.sort().values.tolist() == list(range(100))
        orders.append(labels.tolist())
    assert orders[0] != orders[1]


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_losses_are_pytorchs(loss: str) -> None:
    logits, labels = torch.randn(50, 10), torch.randint(0, 10, (50,))
    targets = torch.nn.functional.one_hot(labels, 10).float()
    expected = (
        torch.nn.CrossEntropyLoss()(logits, labels) if loss == "cross_entropy" else torch.nn.MSELoss()(logits, targets)
    )
    torch.testing.assert_close(mean_loss(logits, labels, loss), expected)
    torch.testing.assert_close(image_losses(logits, labels, loss).mean(), expected)
    assert score_logits(logits, labels, loss).loss == pytest.approx(expected.item(), rel=1e-5)


def test_accuracy_is_the_share_of_right_answers() -> None:
    logits = torch.eye(10)[torch.tensor([3, 1, 4, 1])]
    assert score_logits(logits, torch.tensor([3, 1, 4, 2]), "cross_entropy").accuracy == 0.75


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.02, momentum=0.5, weight_decay=0.1),
    "rmsprop": lambda weights: torch.optim.RMSprop(weights, lr=0.02, momentum=0.5, weight_decay=0.1),
    "adam": lambda weights: torch.optim.Adam(weights, lr=0.02, weight_decay=0.1),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.02, weight_decay=0.1),
}


@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_is_what_a_plain_pytorch_loop_does(optimizer: str, schedule: str) -> None:
    parameters = make_parameters(
        optimizer=optimizer, lr=0.02, momentum=0.5, weight_decay=0.1, batch_size=30, epochs=2, schedule=schedule
    )
    torch.manual_seed(0)
    network = build_network((128, 64)).double()
    reference = copy.deepcopy(network)
    images, labels = make_labeled(100)
    training = LabeledImages(images.double(), labels)
    train(network, training, make_labeled(0), parameters, lambda _: None)
    generator = torch.Generator().manual_seed(0)
    reference_optimizer = OPTIMIZERS[optimizer](reference.parameters())
    one_cycle = torch.optim.lr_scheduler.OneCycleLR(
        reference_optimizer, max_lr=0.02, epochs=2, steps_per_epoch=4, cycle_momentum=False
    )
    if schedule == "constant":
        reference_optimizer.param_groups[0]["lr"] = 0.02  # OneCycleLR has set its first
    for _ in range(2):
        for batch in torch.split(torch.randperm(100, generator=generator), 30):
            reference_optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(reference(training.images[batch]), labels[batch])
            loss.backward()
            reference_optimizer.step()
            if schedule == "one_cycle":
                one_cycle.step()
    for tensor, expected in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(tensor, expected, rtol=0, atol=1e-8)


def test_patience_keeps_the_epoch_of_the_lowest_validation_loss() -> None:
    parameters = make_parameters(optimizer="adam", lr=0.05, epochs=40, patience=3)
    network, epochs, kept = run(parameters)
    losses = [epoch.validation.loss for epoch in epochs if epoch.validation]
    assert kept.number == 1 + losses.index(min(losses))
    assert len(epochs) == kept.number + 3 < 40
    images, labels = make_labeled(40, seed=1)
    expected = score_logits(network(images).detach(), labels, "cross_entropy")
    assert kept.validation is not None
    assert kept.validation.accuracy == expected.accuracy
    assert kept.validation.loss == pytest.approx(expected.loss, rel=1e-5)


def test_without_patience_the_last_epoch_is_kept() -> None:
    _, epochs, kept = run(make_parameters(optimizer="adam", lr=0.05, epochs=12))
    assert len(epochs) == 12
    assert kept == epochs[-1]


def test_without_a_validation_set_there_is_no_validation_score() -> None:
    _, epochs, kept = run(make_parameters(), validation_size=0)
    assert [epoch.validation for epoch in epochs] == [None]
    assert kept == epochs[0]


def test_divergence_is_an_error() -> None:
    with pytest.raises(StageError, match=r"no longer finite in epoch \d.*choose a lower lr"):
        run(make_parameters(lr=1000, weight_decay=1000, epochs=40))


def test_scores_are_finite_numbers() -> None:
    _, epochs, _ = run(make_parameters())
    assert all(math.isfinite(value) for value in epochs[0].train)
