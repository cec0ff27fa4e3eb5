"""The data set `folder`: pictures in data/images/train/CLASS and data/images/test/CLASS, or IDX files in data/images.

The classes are the names of the folders. Without a folder `test`, pictures are held out for it.
"""

import gzip
import hashlib
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.shared import idx
from stages.shared.errors import StageError, to_line
from stages.shared.pictures import read_pictures

TEST_SHARE = 5  # one of so many pictures of a class is held out where there is no folder for them


def write_image_folder(source: Path, folder: Path, channels: int, image_size: int) -> list[str]:
    """Write the pictures of `source` into `folder`, as four IDX files, and return the classes.

    Raises:
        StageError: there are no pictures, or not as they must be.
    """
    if any(map(_find_idx, (source / name for name in idx.TRAIN))):
        return copy_idx(source, folder, channels, image_size)
    classes, train, test = list_pictures(source)
    for files, pictures in ((idx.TRAIN, train), (idx.TEST, test)):
        images = read_pictures(pictures.files, channels, image_size)
        idx.write_idx(folder / files.images, images)
        idx.write_idx(folder / files.labels, pictures.labels.astype(np.uint8 if len(classes) <= 256 else np.int32))
        print(f"{source}: {len(images)} pictures of {len(classes)} classes for {files.images}")
    return classes


class Pictures(NamedTuple):
    """The files of the training or the test set, and their labels, of shape (n,)."""

    files: list[Path]
    labels: NDArray[np.int64]


def copy_idx(source: Path, folder: Path, channels: int, image_size: int) -> list[str]:
    """Copy four IDX files, which may be compressed, and return the classes: of classes.json, or the labels.

    Raises:
        StageError: they are not valid, or the parameters are those of other images.
    """
    for name in (*idx.TRAIN, *idx.TEST):
        path = _find_idx(source / name)
        if path is None:
            raise StageError(f"{source / name}: no such file, nor {name}.gz")
        try:
            with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file, (folder / name).open("wb") as copy:
                shutil.copyfileobj(file, copy)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise StageError(f"{path}: not a gzip file, or damaged ({to_line(str(error), 100)})") from None
    images, labels = idx.read_images_and_labels(folder, idx.TRAIN)
    found = 1 if images.ndim == 3 else images.shape[3]
    if image_size or channels != found:
        raise StageError(f"params.yaml: image_size must be 0 and channels {found} for the IDX files in {source}")
    if (source / idx.CLASSES).exists():
        return list(idx.read_classes(source))
    return [str(label) for label in range(labels.max() + 1)]


def _find_idx(path: Path) -> Path | None:
    """Find an IDX file, or its archive."""
    return next((file for file in (path, path.with_name(f"{path.name}.gz")) if file.exists()), None)


def list_pictures(folder: Path) -> tuple[list[str], Pictures, Pictures]:
    """List the classes, which are the names of the folders in `folder`/train, and the training and test pictures.

    Raises:
        StageError: there are fewer than two classes, a class without pictures, or folders that mean nothing.
    """
    parts = {path.name: _list_classes(path) for path in _list_visible(folder) if path.is_dir()}
    if "train" not in parts:
        raise StageError(f"{folder}/train: no such folder; it must have a folder of pictures for each class")
    if unknown := sorted(parts.keys() - {"train", "test"}):
        raise StageError(f"{folder / unknown[0]}: not allowed; {folder} may have the folders train and test")
    train, test = parts["train"], parts.get("test") or {}
    if len(train) < 2:
        raise StageError(f"{folder}/train: must have a folder for each of 2 or more classes, has {len(train)}")
    if unknown := sorted(test.keys() - train.keys()):
        raise StageError(f"{folder}/test/{unknown[0]}: not allowed; {folder}/train has no such class")
    if "test" not in parts:
        train, test = _hold_out(folder / "train", train)
    classes = sorted(train)
    return classes, _join(classes, train), _join(classes, test)


def _list_visible(folder: Path) -> list[Path]:
    """List what is in a folder, sorted, without hidden files; nothing if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _list_classes(folder: Path) -> dict[str, list[Path]]:
    """List the files of each class; those of a class may be in folders, too."""
    classes = {}
    for path in _list_visible(folder):
        if not path.is_dir():
            raise StageError(f"{path}: not in the folder of a class")
        if not path.name.isprintable():  # nor can it be encoded
            raise StageError(f"{to_line(str(path), 200)}: has characters that cannot be printed")
        files = sorted(file for file in path.rglob("*") if not file.is_dir() and not file.name.startswith("."))
        if not files:
            raise StageError(f"{path}: no pictures")
        classes[path.name] = files
    return classes


def _hold_out(folder: Path, classes: dict[str, list[Path]]) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Hold out a share of each class for testing, at least one picture: those whose names have the lowest hashes.

    The hash keeps almost all pictures where they are when others are added, and does not depend on the seed.
    """
    train, test = {}, {}
    for name, files in classes.items():
        if len(files) < 2:
            raise StageError(
                f"{folder / name}: has one picture, must have 2 or more; one is held out, as there is no folder test"
            )
        ranked = sorted(files, key=lambda file: hashlib.sha256(str(file.relative_to(folder)).encode()).digest())
        count = max(len(files) // TEST_SHARE, 1)
        test[name], train[name] = sorted(ranked[:count]), sorted(ranked[count:])
    return train, test


def _join(classes: Sequence[str], files: dict[str, list[Path]]) -> Pictures:
    counts = [len(files.get(name, ())) for name in classes]
    return Pictures([file for name in classes for file in files.get(name, ())], np.arange(len(counts)).repeat(counts))
