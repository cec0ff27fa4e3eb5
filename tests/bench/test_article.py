from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from bench import article
from bench.loop import time_training
from stages.normalize.__main__ import normalize
from stages.shared import idx
from tests.train.test_training import make_parameters

EPOCHS = 3


@contextmanager
def counting_steps() -> Iterator[Callable[[], int]]:
    """Count the steps of any optimizer of torch."""
    steps = []
    handle = register_optimizer_step_post_hook(lambda *_: steps.append(1))
    yield lambda: len(steps)
    handle.remove()


def test_it_sees_the_images_that_we_see(data: Path) -> None:
    (images, labels), *_ = article.load_data(data).test
    pixels, expected_labels = idx.read_images_and_labels(data / "MNIST/raw", idx.TEST)
    np.testing.assert_array_equal(images[:, 0].numpy(), normalize(pixels[:64], 0.5, 0.5))
    np.testing.assert_array_equal(labels.numpy(), expected_labels[:64])


def test_it_learns(data: Path) -> None:
    torch.manual_seed(0)
    loaders, net = article.load_data(data), article.Net()
    assert article.test(net, loaders.test) < 0.3
    article.train(net, article.build_optimizer(net, "adam"), loaders.train, 20)
    assert article.test(net, loaders.test) > 0.9


def test_each_epoch_has_an_order_of_its_own(data: Path) -> None:
    loader = article.load_data(data).train
    first, second = (torch.cat([labels for _, labels in loader]) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(first.sort().values, second.sort().values)


@pytest.mark.parametrize(("name", "kind", "lr"), [("sgd", torch.optim.SGD, 0.01), ("adam", torch.optim.Adam, 0.001)])
def test_the_optimizers_are_the_articles(name: str, kind: type, lr: float) -> None:
    optimizer = article.build_optimizer(article.Net(), name)
    assert type(optimizer) is kind
    assert optimizer.defaults["lr"] == lr


def test_the_network_is_ours() -> None:
    assert sum(tensor.numel() for tensor in article.Net().parameters()) == 109_386


@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 0.01), ("adam", 0.001)])
def test_it_takes_as_many_steps_as_we_do(data: Path, optimizer: str, lr: float) -> None:
    net = article.Net()
    with counting_steps() as steps:
        article.train(net, article.build_optimizer(net, optimizer), article.load_data(data).train, EPOCHS)
        assert steps() == EPOCHS * 4  # of 64, 64, 64 and 8
    with counting_steps() as steps:
        time_training(data, make_parameters(optimizer=optimizer, lr=lr, epochs=EPOCHS))
        assert steps() == EPOCHS * 4
