import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from stages.shared.errors import StageError
from stages.shared.losses import compute_metrics
from stages.shared.network import build_network
from stages.shared.parameters import TrainParameters
from stages.shared.training import Epoch, LabeledImages, run_epoch, train
from tests.stages.examples import make_labeled, make_parameters


def run(
    parameters: TrainParameters, size: int = 200, validation_size: int = 40
) -> tuple[torch.nn.Module, list[Epoch], Epoch]:
    torch.manual_seed(parameters.seed)
    network = build_network(parameters.hidden_sizes)
    epochs: list[Epoch] = []
    kept = train(network, make_labeled(size), make_labeled(validation_size, seed=1), parameters, epochs.append)
    return network, epochs, kept


def test_same_seed_gives_same_weights() -> None:
    weights = [run(make_parameters(epochs=2))[0].state_dict() for _ in range(2)]
    for first, second in zip(weights[0].values(), weights[1].values(), strict=True):
        assert first.numpy().tobytes() == second.numpy().tobytes()


def test_other_seed_gives_other_weights() -> None:
    first, second = (next(run(make_parameters(seed=seed))[0].parameters()) for seed in (0, 1))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_overfits_64_images(loss: str) -> None:
    parameters = make_parameters(optimizer="adam", lr=0.003, epochs=80, batch_size=16, loss=loss)
    _, epochs, _ = run(parameters, size=64, validation_size=0)
    assert epochs[-1].train.accuracy == 1
    assert epochs[-1].train.loss < epochs[0].train.loss / 20


def test_loss_is_mean_over_images_of_all_batches() -> None:
    """With a learning rate of almost 0 the loss of an epoch does not depend on the batch size."""
    losses = [
        run(make_parameters(lr=1e-12, batch_size=batch_size), size=100)[1][0].train.loss for batch_size in (64, 100, 99)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[2] == pytest.approx(losses[1], rel=1e-6)


def test_each_epoch_has_all_images_in_another_order() -> None:
    examples = LabeledImages(torch.arange(100.0).view(100, 1, 1).expand(100, 28, 28), torch.arange(100) % 10)
    orders = []
    for order in (torch.randperm(100).numpy(), torch.randperm(100).numpy()):
        batches: list[LabeledImages] = []

        def step(images: NDArray[Any], labels: NDArray[Any], batches: list[LabeledImages] = batches) -> NDArray[Any]:
            batches.append(LabeledImages(torch.from_numpy(images), torch.from_numpy(labels)))
            return np.eye(10, dtype=np.float32).take(labels, axis=0)

        metrics = run_epoch(examples, order, lambda images: images, step, make_parameters(batch_size=30))
        assert [len(batch.labels) for batch in batches] == [30, 30, 30, 10]
        seen = torch.cat([batch.images[:, 0, 0] for batch in batches]).int()
        assert torch.equal(torch.cat([batch.labels for batch in batches]), seen % 10)
        assert seen.tolist() == order.tolist()
        assert metrics.accuracy == 1
        orders.append(seen)
    assert not torch.equal(*orders)


def test_keeps_epoch_of_lowest_validation_loss() -> None:
    parameters = make_parameters(optimizer="adam", lr=0.05, epochs=40, patience=3)
    network, epochs, kept = run(parameters)
    losses = [epoch.validation.loss for epoch in epochs if epoch.validation]
    assert kept.number == 1 + losses.index(min(losses))
    assert len(epochs) == kept.number + 3 < 40
    images, labels = make_labeled(40, seed=1)
    expected = compute_metrics(network(images).detach(), labels, "cross_entropy")
    assert kept.validation is not None
    assert kept.validation.accuracy == expected.accuracy
    assert kept.validation.loss == pytest.approx(expected.loss, rel=1e-5)


def test_keeps_last_epoch_without_patience() -> None:
    _, epochs, kept = run(make_parameters(optimizer="adam", lr=0.05, epochs=12))
    assert len(epochs) == 12
    assert kept == epochs[-1]


def test_without_validation_set() -> None:
    _, epochs, kept = run(make_parameters(), validation_size=0)
    assert [epoch.validation for epoch in epochs] == [None]
    assert kept == epochs[0]


def test_rejects_divergence() -> None:
    expected = r"^training diverged in epoch \d+: loss .*choose a lower lr.*; make restore brings the last model back$"
    with pytest.raises(StageError, match=expected):
        run(make_parameters(lr=1000, weight_decay=1000, epochs=40))


def test_metrics_are_finite() -> None:
    _, epochs, _ = run(make_parameters())
    assert all(math.isfinite(value) for value in epochs[0].train)
