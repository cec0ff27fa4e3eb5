"""Tests of the training loop: `train` in stages/train.py."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR

from stages.shared import augmentation, optimization
from stages.shared.epoch import Epoch
from stages.shared.linear import PortableLinear
from stages.shared.optimization import build_loss
from stages.shared.parameters import TrainParameters
from stages.train import evaluate, train
from tests.stages.conftest import DATASET, make_parameters, make_split
from tests.stages.networks import build_mlp

LOSS = nn.CrossEntropyLoss()


@pytest.fixture(autouse=True)
def plain_cross_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train with PyTorch's cross entropy, whatever `build_loss` of the project adds to it, and takes for that."""

    def build(parameters: TrainParameters, *others: Any) -> nn.Module:
        return LOSS if parameters.loss == "cross_entropy" else build_loss(parameters, *others)

    monkeypatch.setattr(optimization, "build_loss", build)


def run(
    parameters: TrainParameters, size: int = 200, validation_size: int = 40, dtype: torch.dtype = torch.float32
) -> tuple[nn.Module, list[Epoch], Epoch]:
    torch.manual_seed(parameters.seed)
    linear = PortableLinear if parameters.numerics == "portable" else nn.Linear
    network = build_mlp(DATASET, parameters, linear).to(dtype)
    epochs: list[Epoch] = []
    training, validation = make_split(size), make_split(validation_size, seed=1)
    training, validation = (split._replace(images=split.images.to(dtype)) for split in (training, validation))
    kept = train(network, training, validation, parameters, epochs.append)
    return network, epochs, kept


def train_as_tutorial(
    optimizer: optim.Optimizer,
    net: nn.Module,
    loss_function: Callable[[Tensor, Tensor], Tensor],
    schedule: OneCycleLR | None,
    dtype: torch.dtype,
) -> None:
    """Train for 50 steps by the tutorial's loop."""
    images, labels, _ = make_split(640)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        for batch in torch.randperm(640, generator=generator).split(64):
            loss = loss_function(net(images[batch].to(dtype)), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if schedule:
                schedule.step()


def mse(outputs: Tensor, labels: Tensor) -> Tensor:
    return functional.mse_loss(outputs, functional.one_hot(labels, 10).to(outputs.dtype))


CASES: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.9, "weight_decay": 0.1},
    "adam": {"optimizer": "adam", "lr": 0.001},
    "mse": {"loss": "mse", "lr": 0.1},
    "one_cycle": {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.1, "schedule": "one_cycle"},
}
OPTIMIZERS: dict[str, type[optim.Optimizer]] = {"sgd": optim.SGD, "adam": optim.Adam, "adamw": optim.AdamW}


# The products of portable numerics are rounded in another way, which Adam amplifies in float32.
@pytest.mark.parametrize(("numerics", "dtype"), [("native", torch.float32), ("portable", torch.float64)])
@pytest.mark.parametrize("case", CASES)
def test_weights_after_50_steps_are_those_of_the_tutorial(case: str, numerics: str, dtype: torch.dtype) -> None:
    changes = {"optimizer": "sgd", "lr": 0.01, **CASES[case]}
    network, _, _ = run(make_parameters(**changes, epochs=5, numerics=numerics), size=640, dtype=dtype)
    torch.manual_seed(0)
    reference = build_mlp(DATASET, make_parameters()).to(dtype)
    options = {key: value for key, value in changes.items() if key in {"lr", "momentum", "weight_decay"}}
    optimizer = OPTIMIZERS[changes["optimizer"]](reference.parameters(), **options)
    schedule = OneCycleLR(optimizer, 0.01, 50, cycle_momentum=False) if "schedule" in changes else None
    train_as_tutorial(optimizer, reference, mse if case == "mse" else LOSS, schedule, dtype)
    for tensor, expected in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(tensor, expected, rtol=0, atol=1e-6)


def test_weights_depend_on_the_seed_only() -> None:
    first, second, other = (next(run(make_parameters(seed=seed))[0].parameters()) for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_loss_is_mean_over_images_of_all_batches() -> None:
    """With a learning rate of almost 0 the loss of an epoch does not depend on the batch size."""
    expected, *losses = [
        run(make_parameters(lr=1e-12, batch_size=batch_size), size=100)[1][0].train.loss for batch_size in (100, 64, 99)
    ]
    assert losses == pytest.approx([expected, expected], rel=1e-6)


def test_each_epoch_has_all_images_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[Tensor] = []

    def record(images: Tensor) -> Tensor:
        batches.append(images[:, 0, 0, 0])
        return images

    monkeypatch.setattr(augmentation, "build_augmentation", lambda *_: record)
    run(make_parameters(batch_size=30, epochs=2), size=100)
    assert [len(batch) for batch in batches] == 2 * [30, 30, 30, 10]
    first, second = torch.cat(batches[:4]), torch.cat(batches[4:])
    assert not torch.equal(first, second)
    assert first.sort().values.tolist() == second.sort().values.tolist() == sorted(make_split(100).images[:, 0, 0, 0])


def test_keeps_epoch_of_lowest_validation_loss() -> None:
    parameters = make_parameters(optimizer="adam", lr=0.05, epochs=40, patience=3)
    network, epochs, kept = run(parameters)
    losses = [epoch.validation.loss for epoch in epochs if epoch.validation]
    assert kept.number == 1 + losses.index(min(losses))
    assert len(epochs) == kept.number + 3 < 40
    assert evaluate(network, make_split(40, seed=1), LOSS) == kept.validation


def test_keeps_last_epoch_without_patience() -> None:
    network, epochs, kept = run(make_parameters(optimizer="adam", lr=0.05, epochs=12))
    assert len(epochs) == 12
    assert kept == epochs[-1]
    assert evaluate(network, make_split(40, seed=1), LOSS) == kept.validation


def test_trains_in_training_mode_and_validates_in_evaluation_mode() -> None:
    modes = []
    network = build_mlp(DATASET, make_parameters())
    network.register_forward_hook(lambda module, _, outputs: modes.append((module.training, outputs.requires_grad)))
    train(network, make_split(64), make_split(40), make_parameters(epochs=2), lambda _: None)
    assert modes == 2 * [(True, True), (False, False)]
