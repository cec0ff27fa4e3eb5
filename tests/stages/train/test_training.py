import math

import pytest
import torch

from runtime.errors import StageError
from stages.shared.network import build_network
from stages.train.parameters import Parameters
from stages.train.training import Epoch, LabeledImages, compute_metrics, draw_batches, image_losses, mean_loss, train
from tests.stages.train.examples import make_labeled, make_parameters


def run(
    parameters: Parameters, size: int = 200, validation_size: int = 40
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
def test_losses_equal_pytorch(loss: str) -> None:
    logits, labels = torch.randn(50, 10), torch.randint(0, 10, (50,))
    targets = torch.nn.functional.one_hot(labels, 10).float()
    expected = (
        torch.nn.CrossEntropyLoss()(logits, labels) if loss == "cross_entropy" else torch.nn.MSELoss()(logits, targets)
    )
    torch.testing.assert_close(mean_loss(logits, labels, loss), expected)
    torch.testing.assert_close(image_losses(logits, labels, loss).mean(), expected)
    assert compute_metrics(logits, labels, loss).loss == pytest.approx(expected.item(), rel=1e-5)


def test_accuracy() -> None:
    logits = torch.eye(10)[torch.tensor([3, 1, 4, 1])]
    assert compute_metrics(logits, torch.tensor([3, 1, 4, 2]), "cross_entropy").accuracy == 0.75


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
