"""Prepare pictures for the network as MNIST's authors did: their ink is scaled to fit a box and placed in 28 x 28.

The page models/draw.html does the same in JavaScript.
"""

import math
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from predict import PredictError
from predict.ink import find_ink
from predict.pictures import IMAGE_SIZE, STANDARD_INPUT, read_file, read_gray

MANY = 400  # fewer files take less time than the start of processes
CHUNK_SIZE = 50  # files that a process gets at a time

Pixels = NDArray[np.uint8]


def read_images(files: Sequence[str], prepare: Callable[[bytes], Pixels]) -> Iterator[Pixels | PredictError]:
    """Yield the 28 x 28 image of each file, or what is wrong with it, in their order; many in several processes."""
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


def prepare_picture(ink_size: int, ink_center: str, data: bytes) -> Pixels:
    """Turn the bytes of any picture into what the network was trained on.

    Raises:
        PredictError: it is not a picture, or empty.
    """
    return fit(find_ink(read_gray(data)), ink_size, ink_center)


def fit(ink: NDArray[np.float32], size: int, center: str) -> Pixels:
    """Scale ink of shape (height, width), 0 to 255, to fit `size` x `size` pixels, and place it in a 28 x 28 image.

    Scaling keeps proportions and is anti-aliased. With the center "mass", the center of mass becomes pixel 14 of both
    axes, as in MNIST; with "box", the bounding box is centered.

    Raises:
        PredictError: there is no ink, or too little for 28 x 28 pixels.
    """
    bounds = Image.fromarray(ink > 0).getbbox()
    if bounds is None:
        raise PredictError("empty: it has no ink")
    cropped = Image.fromarray(ink).crop(bounds)
    width, height = (max(1, _round(side * size / max(cropped.size))) for side in cropped.size)
    resized = np.asarray(cropped.resize((width, height), Image.Resampling.BILINEAR))
    box = np.floor(resized + 0.5).clip(0, 255).astype(np.uint8)
    if not box.any():
        raise PredictError("empty: its ink is too faint")
    if center == "mass":
        total = box.sum(dtype=np.float64)
        top = _round(IMAGE_SIZE / 2 - box.sum(axis=1) @ np.arange(height) / total)
        left = _round(IMAGE_SIZE / 2 - box.sum(axis=0) @ np.arange(width) / total)
    else:
        top, left = (IMAGE_SIZE - height) // 2, (IMAGE_SIZE - width) // 2
    top = min(max(top, 0), IMAGE_SIZE - height)
    left = min(max(left, 0), IMAGE_SIZE - width)
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[top : top + height, left : left + width] = box
    return image


def _round(value: float) -> int:
    """Round half up, as JavaScript's Math.round does."""
    return math.floor(value + 0.5)
