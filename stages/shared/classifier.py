"""What the exported files contain: the network, its normalization, and how a picture is prepared for it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from stages.shared.parameters import DatasetName
from stages.shared.shapes import PIXELS
from stages.shared.weights import Layer


class DatasetProperties(NamedTuple):
    """The names of the classes of a data set, and where the ink is in its images of 28 x 28 pixels.

    The longer side of the ink's bounding box has `ink_size` pixels. In the center of the image is the ink's center of
    mass, or that of its bounding box.
    """

    classes: tuple[str, ...]
    ink_size: int
    ink_center: Literal["mass", "box"]


DIGITS = tuple("0123456789")
# Sources: Yann LeCun's MNIST page; Xiao et al. 2017, figure 1 and table 2; kmnist_classmap.csv of KMNIST, whose
# characters fill their images; stages/download.py.
DATASETS: dict[DatasetName, DatasetProperties] = {
    "mnist": DatasetProperties(DIGITS, ink_size=20, ink_center="mass"),
    "fashion_mnist": DatasetProperties(
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ink_size=28,
        ink_center="box",
    ),
    "kmnist": DatasetProperties(tuple("おきすつなはまやれを"), ink_size=28, ink_center="box"),
    "digits": DatasetProperties(DIGITS, ink_size=24, ink_center="box"),
}


@dataclass(frozen=True)
class Classifier:
    """A trained multilayer perceptron with ReLU between its layers, from 784 inputs to 10 outputs.

    Pixels are normalized by (x / 255 - mean) / std, in float32.
    """

    layers: list[Layer]
    dataset: DatasetName
    mean: float
    std: float

    @property
    def sizes(self) -> str:
        """The number of inputs, and of outputs of each layer, such as 784-128-64-10."""
        return "-".join(str(size) for size in [PIXELS, *(len(bias) for _, bias in self.layers)])

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the ten classes."""
        return DATASETS[self.dataset].classes

    @property
    def ink_size(self) -> int:
        """The longer side of the ink's bounding box, in pixels, from 1 to 28."""
        return DATASETS[self.dataset].ink_size

    @property
    def ink_center(self) -> Literal["mass", "box"]:
        """What is placed in the center of the image: the ink's center of mass, or the center of its bounding box."""
        return DATASETS[self.dataset].ink_center
