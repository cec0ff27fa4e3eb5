"""The data sets of torchvision: it has their URLs and checksums, and unpacks them.

The transfer is `stages.download.transfer`: torchvision's own has no time-out, does not try the next mirror after every
kind of error, and falls back from https to http.
"""

import contextlib
import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from stages.download import transfer
from stages.shared.parameters import DatasetName

if TYPE_CHECKING:
    from torchvision.datasets import MNIST


def download(name: DatasetName, folder: Path) -> None:
    """Download the archives of a data set and unpack them into `folder`.

    Raises:
        StageError: no mirror serves an archive.
    """
    dataset = find_dataset(name)
    root = folder / "torchvision"
    archives = root / dataset.__name__ / "raw"  # torchvision does not download what is here with the right checksum
    archives.mkdir(parents=True)
    mirrors = transfer.list_mirrors(dataset.mirrors)
    for archive, md5 in dataset.resources:
        (archives / archive).write_bytes(transfer.fetch(mirrors, archive, md5))
    dataset(root, download=True)
    for archive, _ in dataset.resources:
        unpacked = archive.removesuffix(".gz")
        (archives / unpacked).rename(folder / unpacked)
    shutil.rmtree(root)


def find_dataset(name: DatasetName) -> "type[MNIST]":
    """Return the class of torchvision.datasets, with its `mirrors` (URLs) and `resources` (file names and MD5s)."""
    declare_missing_operators()
    from torchvision import datasets

    classes: dict[DatasetName, type[MNIST]] = {
        "mnist": datasets.MNIST,
        "fashion_mnist": datasets.FashionMNIST,
        "kmnist": datasets.KMNIST,
    }
    return classes[name]


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
