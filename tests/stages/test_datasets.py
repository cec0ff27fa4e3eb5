import ast
import importlib.util
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.download import write_digits
from stages.shared import idx
from stages.shared.datasets import DATASETS, Known
from stages.shared.ink import Ink, find_ink
from tests.clone import Clone
from tests.conftest import needs_mnist


def read_classes_of_torchvision(name: str) -> list[str]:
    """Read the names of the classes from the source: torchvision cannot be imported beside each build of torch."""
    package = importlib.util.find_spec("torchvision")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).with_name("datasets").joinpath("mnist.py").read_text()
    [classes] = re.findall(rf"class {name}\(.*?classes = (\[.*?\])", source, flags=re.DOTALL)
    return list(ast.literal_eval(classes))


@pytest.mark.parametrize("dataset", ["mnist", "digits"])
def test_classes_of_digits(dataset: str) -> None:
    assert DATASETS[dataset].classes == tuple(map(str, range(10)))


def test_classes_of_fashion_mnist_are_those_of_torchvision() -> None:
    assert list(DATASETS["fashion_mnist"].classes) == read_classes_of_torchvision("FashionMNIST")


def test_classes_of_kmnist_are_those_of_torchvision_in_hiragana() -> None:
    names = [unicodedata.name(character).lower() for character in DATASETS["kmnist"].classes]
    romanized = [name.replace("tsu", "tu") for name in read_classes_of_torchvision("KMNIST")]
    assert names == [f"hiragana letter {name}" for name in romanized]


def test_ink_of_digits(tmp_path: Path) -> None:
    write_digits(tmp_path)
    images, _ = idx.read_images_and_labels(tmp_path, idx.TRAIN)
    check_ink(images, DATASETS["digits"])


@needs_mnist
def test_ink_of_mnist(mnist_run: Clone) -> None:
    images, _ = idx.read_images_and_labels(mnist_run.folder / "data/raw", idx.TEST)
    check_ink(images, DATASETS["mnist"])


def check_ink(images: NDArray[np.uint8], properties: Known) -> None:
    """Compare the boxes and the vertical centers of the ink with the properties, in pixels from the edge."""
    assert find_ink(images) == Ink(properties.ink_size, properties.ink_center)
