"""Download the data set.

Reads nothing; writes data/raw: four uncompressed IDX files.

torchvision knows where a data set lies and what its archives' checksums are, and unpacks them. The transfer is done
here: torchvision's own has no time-out, stops where the next mirror should be tried, and falls back from https to http.

Run: dvc repro download
     python -m stages.download --probe    (exit status 0 if the data set can be had; writes nothing)
"""

import argparse
import contextlib
import hashlib
import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stages.download import transfer
from stages.download.parameters import DatasetName, Parameters
from stages.shared import idx, stage
from stages.shared.files import writing
from stages.shared.parameters import confirm_parameters, read_parameters
from stages.shared.stage import StageError

if TYPE_CHECKING:
    from torchvision.datasets import MNIST

RAW = Path("data/raw")
PARTIAL = Path("data/raw.partial")

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def main() -> None:
    """Fill data/raw. It is written aside, checked, and renamed into place, so that what is there is whole."""
    arguments = read_arguments()
    parameters = read_parameters(Parameters)
    name = parameters.dataset
    if arguments.probe:
        return probe(name)
    shutil.rmtree(PARTIAL, ignore_errors=True)
    try:
        with writing(RAW):
            PARTIAL.mkdir()
            if name == "digits":
                write_digits(PARTIAL)
            else:
                download(find_dataset(name), PARTIAL)
            verify(name, PARTIAL)
            confirm_parameters(parameters)
            shutil.rmtree(RAW, ignore_errors=True)
            PARTIAL.rename(RAW)
    finally:
        shutil.rmtree(PARTIAL, ignore_errors=True)


def read_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probe", action="store_true", help="only find out whether the data set can be had")
    return parser.parse_args()


def probe(name: DatasetName) -> None:
    """Ask the mirrors for the smallest archive of the data set; the digits need none."""
    if name != "digits":
        dataset = find_dataset(name)
        transfer.probe(transfer.list_mirrors(dataset.mirrors), *dataset.resources[-1])


def write_digits(folder: Path) -> None:
    """Write scikit-learn's 1,797 digits as MNIST's files, 1,500 of them for training.

    An image of 8x8 becomes 24x24 by repetition, with a margin of 2; 0 to 16 becomes 0 to 255.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)
    images = np.pad(pixels.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    labels = digits.target.astype(np.uint8)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, train_size=1500, stratify=labels, random_state=0
    )
    idx.write_idx(folder / idx.TRAIN.images, train_images)
    idx.write_idx(folder / idx.TRAIN.labels, train_labels)
    idx.write_idx(folder / idx.TEST.images, test_images)
    idx.write_idx(folder / idx.TEST.labels, test_labels)


def find_dataset(name: DatasetName) -> "type[MNIST]":
    """Look a data set up in torchvision."""
    declare_missing_operators()
    from torchvision import datasets

    classes: dict[DatasetName, type[MNIST]] = {
        "mnist": datasets.MNIST,
        "fashion_mnist": datasets.FashionMNIST,
        "kmnist": datasets.KMNIST,
    }
    return classes[name]


def declare_missing_operators() -> None:
    """Let torchvision be imported beside a torch that its compiled operators were not built for.

    The CPU build of torch and the only build of torchvision on the package index are such a pair: the operators cannot
    be loaded, and `import torchvision` fails where it goes on to register something for two of them. None is used here.
    """
    import torch

    package = importlib.util.find_spec("torchvision")
    for folder in (package.submodule_search_locations if package else None) or []:
        for library in Path(folder).glob("_C.*"):
            with contextlib.suppress(OSError):
                torch.ops.load_library(library)
    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{operator}", schema)


def download(dataset: "type[MNIST]", folder: Path) -> None:
    """Fetch the archives of a data set and unpack them into `folder`.

    Raises:
        StageError: an archive cannot be had.
    """
    root = folder / "torchvision"
    archives = root / dataset.__name__ / "raw"  # where torchvision takes what it finds with the right checksum
    archives.mkdir(parents=True)
    mirrors = transfer.list_mirrors(dataset.mirrors)
    for name, md5 in dataset.resources:
        (archives / name).write_bytes(transfer.fetch(mirrors, name, md5))
    dataset(root, download=True)
    for name, _ in dataset.resources:
        unpacked = name.removesuffix(".gz")
        (archives / unpacked).rename(folder / unpacked)
    shutil.rmtree(root)


def verify(name: DatasetName, folder: Path) -> None:
    """Hold the files to the IDX structure, and MNIST's to their SHA-256.

    Raises:
        StageError: names the file and what is wrong with it.
    """
    for files in (idx.TRAIN, idx.TEST):
        idx.read_images_and_labels(folder, files)
    for file_name, expected in MNIST_SHA256.items() if name == "mnist" else ():
        digest = hashlib.sha256((folder / file_name).read_bytes()).hexdigest()
        if digest != expected:
            raise StageError(f"{folder / file_name}: SHA-256 is {digest}, must be {expected}")


if __name__ == "__main__":
    stage.run(main)
