"""Download the data set, or read your own pictures; verify it.

Reads the mirrors of the data set, scikit-learn's digits, or data/images; writes data/raw: four uncompressed IDX files,
and the names of the classes.

The environment variable MNIST_MIRROR is tried before the public mirrors: the absolute path of a folder, or a file://,
http:// or https:// URL. With --probe, nothing is written: the exit status is 0 if a mirror serves the data set, and 3
if none is reachable.
"""

import contextlib
import hashlib
import importlib.util
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.shared import idx
from stages.shared.datasets import DATASETS
from stages.shared.errors import StageError, writing
from stages.shared.mirrors import File, Mirror, fetch, read_own_mirror
from stages.shared.parameters import DownloadParameters
from stages.shared.program import run

RAW = Path("data/raw")
PARTIAL = Path("data/raw.partial")
IMAGES = Path("data/images")

DEADLINE_SECONDS = 1800.0  # for all files; the largest data set has 31 MB
PROBE_SECONDS = 15.0
NO_MIRROR = 3  # exit status; make run tests for it

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def main(parameters: DownloadParameters) -> None:
    """Write the files into a folder of their own, verify them, and rename it: data/raw is never incomplete."""
    shutil.rmtree(PARTIAL, ignore_errors=True)
    try:
        with writing(RAW):
            PARTIAL.mkdir()
            idx.write_classes(PARTIAL, write_images(parameters, PARTIAL))
            verify(parameters.dataset, PARTIAL)
            shutil.rmtree(RAW, ignore_errors=True)
            PARTIAL.rename(RAW)
    finally:
        shutil.rmtree(PARTIAL, ignore_errors=True)


def write_images(parameters: DownloadParameters, folder: Path) -> Sequence[str]:
    """Write the images and labels of a data set into `folder`, and return the names of its classes."""
    if parameters.dataset == "folder":
        from stages.shared.image_folder import write_image_folder

        return write_image_folder(IMAGES, folder, parameters.channels, parameters.image_size)
    if parameters.dataset == "digits":
        write_digits(folder)
    else:
        download(parameters.dataset, folder)
    return DATASETS[parameters.dataset].classes


def probe(parameters: DownloadParameters) -> None:
    """Request the smallest file, and exit with status 3 if no mirror serves it."""
    if parameters.dataset not in {"digits", "folder"}:
        mirrors, files = find_dataset(parameters.dataset)
        if fetch(files[-1], mirrors, time.monotonic() + PROBE_SECONDS, attempts=1) is None:
            sys.exit(NO_MIRROR)


def download(dataset: str, folder: Path) -> None:
    """Download a data set of torchvision, and unpack it into `folder`.

    Raises:
        StageError: no mirror serves one of the files; the reasons have been printed.
    """
    mirrors, files = find_dataset(dataset)
    deadline = time.monotonic() + DEADLINE_SECONDS
    for file in files:
        content = fetch(file, mirrors, deadline)
        if content is None:
            raise StageError(
                f"no mirror serves {file.name}.gz; without a network, set MNIST_MIRROR to the folder or URL of the "
                "files, or use scikit-learn's digits: dvc exp run -S dataset=digits -S validation_size=150",
                status=NO_MIRROR,
            )
        (folder / file.name).write_bytes(content)


def find_dataset(dataset: str) -> tuple[list[Mirror], list[File]]:
    """Return the mirrors, `MNIST_MIRROR` first, and the files of a data set of torchvision.

    Raises:
        StageError: `MNIST_MIRROR` is malformed.
    """
    own = read_own_mirror()
    declare_missing_operators()
    from torchvision import datasets

    kinds = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST, "kmnist": datasets.KMNIST}
    if dataset not in kinds:
        raise StageError(
            f"params.yaml: dataset: {dataset}: add where its files are to find_dataset in stages/download.py"
        )
    kind = kinds[dataset]
    sha256 = MNIST_SHA256 if dataset == "mnist" else {}
    files = [File(name := archive.removesuffix(".gz"), md5, sha256.get(name)) for archive, md5 in kind.resources]
    return own + [Mirror(url) for url in kind.mirrors], files


def declare_missing_operators() -> None:
    """Make torchvision importable beside a torch that its compiled operators were not built for.

    The CPU build of torch and the build of torchvision on the package index are such a pair: the operators cannot be
    loaded, and `import torchvision` fails when it registers functions for two of them. None is used here.
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


def write_digits(folder: Path) -> None:
    """Write 1,500 training and 297 test images, stratified, as MNIST's four files.

    An image of 8 x 8 becomes 24 x 24 by repetition, with a margin of 2; values from 0 to 16 become 0 to 255.
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


def verify(dataset: str, folder: Path) -> None:
    """Verify the IDX structure of the four files in `folder`, and the SHA-256 of MNIST's.

    Raises:
        StageError: a file is not valid.
    """
    for files in (idx.TRAIN, idx.TEST):
        idx.read_images_and_labels(folder, files)
    for name, expected in MNIST_SHA256.items() if dataset == "mnist" else ():
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if digest != expected:
            raise StageError(f"{folder / name}: SHA-256 is {digest}, must be {expected}")


if __name__ == "__main__":
    run("download", main, DownloadParameters, probe=probe)
