"""Prepare pictures for the network as MNIST's authors did: their ink is scaled to fit a box, and placed in the image.

The page models/draw.html does the same in JavaScript. A picture with several digits becomes several images.
"""

import math
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from predict import PredictError
from predict.pictures import STANDARD_INPUT, Pixels, read_file, read_gray
from predict.rules import RULES

MANY = 400  # fewer files take less time than the start of processes
CHUNK_SIZE = 50  # files that a process gets at a time


class Ink(NamedTuple):
    """Where the ink of an image is."""

    size: int  # pixels of the longer side of its bounding box
    center: str  # what is in the center of the image: its center of mass, "mass", or that of its bounding box, "box"


def read_images(files: Sequence[str], prepare: Callable[[bytes], Pixels]) -> Iterator[Pixels | PredictError]:
    """Yield the images of each file, or what is wrong with it, in their order; many in several processes."""
    read = partial(_read_image, prepare)
    if len(files) < MANY or STANDARD_INPUT in files:
        yield from map(read, files)
        return
    with ProcessPoolExecutor(
        os.cpu_count(),
        multiprocessing.get_context("spawn"),  # a fork would copy locks of onnxruntime's threads
        signal.signal,
        (signal.SIGINT, signal.SIG_IGN),  # Ctrl-C ends the parent, which ends the others
    ) as executor:
        yield from executor.map(read, files, chunksize=CHUNK_SIZE)


def _read_image(prepare: Callable[[bytes], Pixels], name: str) -> Pixels | PredictError:
    try:
        return prepare(read_file(name))
    except PredictError as error:
        return error


def prepare_whole(
    read: Callable[[tuple[int, int], str, bytes], Pixels], shape: tuple[int, int], mode: str, data: bytes
) -> Pixels:
    """Turn a picture into one image, by `read_as_is` or `read_scaled`."""
    return read(shape, mode, data)[np.newaxis]


def prepare_digits(shape: tuple[int, int], ink: Ink, data: bytes) -> Pixels:
    """Turn the bytes of any picture into images of shape (n, height, width), in which the ink is where it must be.

    Raises:
        PredictError: it is not a picture, or has no digit.
    """
    gray = read_gray(data)
    if is_prepared(gray, shape, ink):
        return gray[np.newaxis].astype(np.uint8)

    from predict.ink import find_digits  # scipy and scikit-image take a third of a second to import

    return np.stack([fit(digit, shape, ink) for digit in find_digits(gray)])


def is_prepared(gray: NDArray[np.float32], shape: tuple[int, int], ink: Ink) -> bool:
    """Tell whether a picture already is an image of the network, as those of MNIST are."""
    return gray.shape == shape and bool(gray.any()) and np.array_equal(fit(gray, shape, ink), gray)


def prepare_box(shape: tuple[int, int], ink: Ink, data: bytes) -> Pixels:
    """Turn the bytes of a picture of anything else into one image: what differs from its border is scaled to fit.

    Raises:
        PredictError: it is not a picture, or empty.
    """
    gray = read_gray(data)
    background = float(np.median(np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])))
    values = background - gray if background > 127 else gray - background
    return fit(np.where(values < RULES.min_contrast, np.float32(0), values), shape, ink)[np.newaxis]


def fit(values: NDArray[np.float32], shape: tuple[int, int], ink: Ink) -> Pixels:
    """Place ink, whose values are 0 to 255, in an image of shape (height, width).

    It is scaled with its proportions, anti-aliased, and moved by whole pixels. A center of mass comes to the pixel
    (height / 2, width / 2), numbered from 0, as in MNIST, as far as the ink stays in the image.

    Raises:
        PredictError: there is no ink, or too little for that size.
    """
    bounds = Image.fromarray(values > 0).getbbox()
    if bounds is None:
        raise PredictError("empty: it has no ink")
    cropped = Image.fromarray(values).crop(bounds)
    width, height = (max(1, _round(side * ink.size / max(cropped.size))) for side in cropped.size)
    resized = np.asarray(cropped.resize((width, height), Image.Resampling.BILINEAR))
    box = np.floor(resized + 0.5).clip(0, 255).astype(np.uint8)
    if not box.any():
        raise PredictError("empty: its ink is too faint")
    image = np.zeros(shape, np.uint8)
    top, left = (_find_start(box.sum(axis=1 - axis), shape[axis], ink.center) for axis in (0, 1))
    image[top : top + height, left : left + width] = box
    return image


def _find_start(sums: NDArray[np.uint64], side: int, center: str) -> int:
    """Return where a box, whose rows or columns have these sums, begins in the side of an image."""
    room = side - len(sums)
    if center == "box":
        return room // 2
    mean = sums @ np.arange(len(sums)) / sums.sum(dtype=np.float64)
    return min(max(_round(side / 2 - mean), 0), room)


def _round(value: float) -> int:
    """Round half up, as JavaScript's Math.round does."""
    return math.floor(value + 0.5)
