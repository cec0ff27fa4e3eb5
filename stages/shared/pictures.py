"""Read pictures, of any common format and mode, as images of one size."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from stages.shared.errors import StageError, to_line

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MAX_SIDE = 2000  # of a JPEG, which is decoded at a smaller size above this
MAX_BYTES = 2**31  # of the pixels of all pictures


def read_pictures(files: Sequence[Path], channels: int, image_size: int) -> NDArray[np.uint8]:
    """Read pictures, of shape (n, height, width), or (n, height, width, 3) in color.

    Raises:
        StageError: a line for each file that is not a picture or damaged; or they are not of one size, which an
            `image_size` of 0 keeps.
    """
    images: NDArray[np.uint8] | None = None
    errors: list[str] = []
    for position, image in enumerate(_read_each(files, channels, image_size)):
        if isinstance(image, str):
            errors.append(f"{files[position]}: {image}")
            continue
        if images is None:
            first, shape = position, image.shape
            if len(files) * image.nbytes > MAX_BYTES:
                raise StageError(f"{len(files)} pictures of {describe(image)} pixels are too many; lower image_size")
            images = np.empty((len(files), *shape), np.uint8)
        if image.shape != shape:
            raise StageError(
                f"{files[position]}: {describe(image)} pixels, but {files[first]} has {describe(images[first])}; "
                "set image_size in params.yaml to scale all"
            )
        images[position] = image
    if errors or images is None:
        raise StageError("\n".join(errors))
    return images


def describe(image: NDArray[np.uint8]) -> str:
    """Describe the size of an image: width, then height."""
    return f"{image.shape[1]} x {image.shape[0]}"


def _read_each(files: Sequence[Path], channels: int, image_size: int) -> Iterator[NDArray[np.uint8] | str]:
    """Yield the image of each file, or what is wrong with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the decoders tolerate
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for file in files:
            try:
                yield read_picture(file, channels, image_size)
            except StageError as error:
                yield str(error)
            except UnidentifiedImageError:
                yield f"not a picture ({', '.join(FORMATS)})"
            except Exception as error:  # noqa: BLE001 - the decoders raise errors of many types for a damaged file
                yield f"a damaged picture: {to_line(str(error), 100)}"


def read_picture(file: Path, channels: int, image_size: int) -> NDArray[np.uint8]:
    """Read a picture as it is meant to be seen; scale it with its proportions to fit `image_size`, centered on black.

    `python -m predict` does the same with a picture that is to be classified.

    Raises:
        StageError: it has more than 8 bits; what else is wrong, Pillow raises.
    """
    mode = "L" if channels == 1 else "RGB"
    with Image.open(file, formats=FORMATS) as picture:
        picture.draft(mode, (MAX_SIDE, MAX_SIDE))
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith(("I", "F")):
            raise StageError("has more than 8 bits a channel, must have 8")
        if upright.has_transparency_data:
            transparent = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", transparent.size, "white"), transparent)
        if upright.mode != mode:
            upright = upright.convert("RGB").convert(mode)
        if image_size:
            upright = ImageOps.pad(upright, (image_size, image_size), Image.Resampling.BILINEAR)
        return np.asarray(upright)
