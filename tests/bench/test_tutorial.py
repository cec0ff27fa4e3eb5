from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from bench import tutorial
from bench.training_loop import time_training
from runtime.parameters import read_parameters
from stages.normalize.pixels import normalize
from stages.shared import idx
from stages.train import training
from stages.train.backward import backward
from stages.train.parameters import Parameters

EPOCHS = 3


@contextmanager
def counting_steps() -> Iterator[Callable[[], int]]:
    """Count the steps of all torch optimizers."""
    steps = []
    handle = register_optimizer_step_post_hook(lambda *_: steps.append(1))
    yield lambda: len(steps)
    handle.remove()


def test_loads_same_images(data: Path) -> None:
    (images, labels), *_ = tutorial.load_data(data).test
    pixels, expected_labels = idx.read_images_and_labels(data / "MNIST/raw", idx.TEST)
    np.testing.assert_array_equal(images[:, 0].numpy(), normalize(pixels[:64], 0.5, 0.5))
    np.testing.assert_array_equal(labels.numpy(), expected_labels[:64])


def test_training_improves_accuracy(data: Path) -> None:
    torch.manual_seed(0)
    loaders, net = tutorial.load_data(data), tutorial.Net()
    assert tutorial.test(net, loaders.test) < 0.3
    tutorial.train(net, tutorial.build_optimizer(net, "adam"), loaders.train, 20)
    assert tutorial.test(net, loaders.test) > 0.9


def test_shuffles_each_epoch(data: Path) -> None:
    loader = tutorial.load_data(data).train
    first, second = (torch.cat([labels for _, labels in loader]) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(first.sort().values, second.sort().values)


@pytest.mark.parametrize(("name", "kind", "lr"), [("sgd", torch.optim.SGD, 0.01), ("adam", torch.optim.Adam, 0.001)])
def test_optimizer(name: str, kind: type, lr: float) -> None:
    optimizer = tutorial.build_optimizer(tutorial.Net(), name)
    assert type(optimizer) is kind
    assert optimizer.defaults["lr"] == lr


def test_number_of_weights() -> None:
    assert sum(tensor.numel() for tensor in tutorial.Net().parameters()) == 109_386


def test_same_number_of_steps(project: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = read_parameters(Parameters).model_copy(update={"epochs": EPOCHS})
    net = tutorial.Net()
    with counting_steps() as steps:
        tutorial.train(net, tutorial.build_optimizer(net, "sgd"), tutorial.load_data(data).train, EPOCHS)
        assert steps() == EPOCHS * 4  # batches of 64, 64, 64 and 8
    counting = mock.Mock(wraps=backward)
    monkeypatch.setattr(training, "backward", counting)
    time_training(data, parameters)
    assert counting.call_count == EPOCHS * 4
