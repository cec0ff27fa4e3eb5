"""What a data set is. This is said here once, and travels in the metadata of the files of images and of the network."""

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, PositiveInt

DatasetName = Literal["mnist", "fashion_mnist", "kmnist", "digits", "folder"]
InkCenter = Literal["mass", "box"]


class Known(NamedTuple):
    """What is known of a data set before it is read: see `Dataset`."""

    classes: tuple[str, ...]
    training_images: int
    ink_size: int
    ink_center: InkCenter


DIGITS = tuple("0123456789")
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
# All but `folder`, of which nothing is known before it is read. To add one, add its name above, and where its files are
# to find_dataset in stages/download.py. Sources: Yann LeCun's
# MNIST page; Xiao et al. 2017, figure 1 and table 2; kmnist_classmap.csv of KMNIST, whose characters fill their images;
# write_digits in stages/download.py.
DATASETS: dict[str, Known] = {
    "mnist": Known(DIGITS, 60_000, ink_size=20, ink_center="mass"),
    "fashion_mnist": Known(FASHION, 60_000, ink_size=28, ink_center="box"),
    "kmnist": Known(tuple("おきすつなはまやれを"), 60_000, ink_size=28, ink_center="box"),
    "digits": Known(DIGITS, 1_500, ink_size=24, ink_center="box"),
}


class Dataset(BaseModel):
    """A data set of normalized images, float32 of shape (n, channels, height, width), and labels from 0.

    `classes` are the names of the labels. Pixels are normalized by (x / 255 - mean) / std, in float32. The longer side
    of the ink's bounding box has `ink_size` pixels; in the center of the image is the ink's center of mass, or that of
    its bounding box. Both are None where images are not ink on a plain background.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: str
    classes: tuple[str, ...]
    channels: PositiveInt
    height: PositiveInt
    width: PositiveInt
    mean: float
    std: float
    ink_size: PositiveInt | None
    ink_center: InkCenter | None
