"""Read and prepare the pictures; many of them in several processes."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from predict import images
from predict.errors import PredictError
from predict.ink import find_ink
from predict.preparation import fit

MANY = 400  # fewer files take less time than the start of processes
CHUNK_SIZE = 50  # files that a process gets at a time

Image = NDArray[np.uint8]


def read_inputs(files: Sequence[str], prepare: Callable[[bytes], Image]) -> Iterator[Image | PredictError]:
    """Yield the 28 x 28 image of each file, or what is wrong with it, in their order."""
    read = partial(read_input, prepare)
    if len(files) < MANY or images.STANDARD_INPUT in files:
        yield from map(read, files)
        return
    with ProcessPoolExecutor(
        os.cpu_count(),
        multiprocessing.get_context("spawn"),  # a fork would copy locks of onnxruntime's threads
        signal.signal,
        (signal.SIGINT, signal.SIG_IGN),  # Ctrl-C ends the parent, which ends the others
    ) as executor:
        yield from executor.map(read, files, chunksize=CHUNK_SIZE)


def read_input(prepare: Callable[[bytes], Image], name: str) -> Image | PredictError:
    """Read and prepare a file."""
    try:
        return prepare(images.read_bytes(name))
    except PredictError as error:
        return error


def prepare_picture(ink_size: int, ink_center: str, data: bytes) -> Image:
    """Turn the bytes of any picture into what the network was trained on.

    Raises:
        PredictError: it is not a picture, or empty.
    """
    return fit(find_ink(images.read_gray(data)), ink_size, ink_center)
