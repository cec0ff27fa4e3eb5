"""Find pictures, and read them, of any common format and mode, as gray pixels."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from predict import PredictError
from predict.rules import RULES

MAX_BYTES = 2**30  # of a file
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = (".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MAX_PIXELS = Image.MAX_IMAGE_PIXELS
MAX_SIDE = 2000  # larger pictures are reduced while they are read
STANDARD_INPUT = "-"

Pixels = NDArray[np.uint8]


def list_pictures(name: str) -> list[str]:
    """List the pictures of a folder and all folders in it, sorted, or the one file that is named.

    Raises:
        PredictError: there is no picture in the folder.
    """
    if not os.path.isdir(name):  # noqa: PTH112 - Path would change the name that is printed, such as ./a.png
        return [name]
    paths = (path for path in Path(name).rglob("*") if path.suffix.lower() in SUFFIXES)
    files = sorted(str(path) for path in paths if not path.name.startswith(".") and path.is_file())
    if not files:
        raise PredictError(f"no pictures in this folder ({' '.join(SUFFIXES)})")
    return files


def read_file(name: str) -> bytes:
    """Read a file, or standard input if the name is `-`.

    Raises:
        PredictError: the file cannot be read, or is too large.
    """
    try:
        with nullcontext(sys.stdin.buffer) if name == STANDARD_INPUT else Path(name).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PredictError(error.strerror or "cannot be read") from None
    if len(data) > MAX_BYTES:
        raise PredictError(f"has more than {MAX_BYTES:,} bytes")
    return data


@contextmanager
def open_picture(data: bytes) -> Iterator[Image.Image]:
    """Open a picture, whose pixels are read within the `with` statement.

    Raises:
        PredictError: it is not a picture, is damaged, or has too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the decoders tolerate
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=FORMATS) as picture:
                yield picture
    except PredictError:
        raise
    except UnidentifiedImageError:
        raise PredictError(f"not a picture ({', '.join(FORMATS)})" if data else "an empty file") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PredictError(f"has more than {MAX_PIXELS:,} pixels") from None
    except Exception as error:  # noqa: BLE001 - the decoders raise errors of many types for a damaged file
        raise PredictError(f"a damaged picture: {' '.join(str(error).split())[:100]}") from None


def read_gray(data: bytes) -> NDArray[np.float32]:
    """Read a picture as gray pixels from 0 to 255, of shape (height, width), as it is meant to be seen.

    The first picture of a file counts; its longer side is reduced to at most MAX_SIDE.

    Raises:
        PredictError: see `open_picture`.
    """
    with open_picture(data) as picture:
        upright = turn_upright(picture, "L")
        reduced = upright.reduce(-(-max(upright.size) // MAX_SIDE))
        return flatten(reduced) if reduced.mode == "RGBA" else np.asarray(reduced, np.float32)


def turn_upright(picture: Image.Image, mode: str) -> Image.Image:
    """Convert to a mode, or to RGBA if the picture is transparent, or to float32 if it has more than 8 bits."""
    picture.draft(mode, (MAX_SIDE, MAX_SIDE))  # a JPEG is decoded at a smaller size
    ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode.startswith(("I", "F")):  # 16 or 32 bits
        return Image.fromarray(stretch(np.asarray(picture, np.float32)))
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture if picture.mode == mode else picture.convert("RGB").convert(mode)


def stretch(gray: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map the smallest finite value to 0 and the largest to 255; a plain picture becomes 0. NaN becomes the median."""
    finite = gray[np.isfinite(gray)]
    if not finite.size:
        return np.zeros_like(gray)
    lowest, highest = finite.min(), finite.max()
    filled = np.nan_to_num(gray, nan=float(np.median(finite))).clip(lowest, highest)
    return np.asarray((filled - lowest) / max(highest - lowest, np.finfo(np.float32).tiny) * 255, np.float32)


def flatten(picture: Image.Image) -> NDArray[np.float32]:
    """Put a transparent picture on the color of its paper, or return its opacity if all that is visible is ink.

    Raises:
        PredictError: nothing is visible.
    """
    gray = np.asarray(picture.convert("L"), np.float32)
    alpha = np.asarray(picture.getchannel("A"), np.float32)
    visible = alpha > 127
    bounds = Image.fromarray(visible).getbbox()
    if bounds is None:
        raise PredictError("empty: all of it is transparent")
    left, top, right, bottom = bounds
    share = visible[top:bottom, left:right].mean()
    if visible.all() or (share > 0.5 and np.ptp(gray[visible]) > RULES.visible_contrast):
        paper = np.median(gray[visible])
        return np.asarray(paper + (gray - paper) * (alpha / 255), np.float32)
    return np.pad(alpha, 1 + max(alpha.shape) // 10)


def read_scaled(shape: tuple[int, int], mode: str, data: bytes) -> Pixels:
    """Read a picture as it is meant to be seen, scaled with its proportions to fit (height, width), centered on black.

    The mode is L, gray, or RGB.

    Raises:
        PredictError: see `open_picture`.
    """
    with open_picture(data) as picture:
        upright = turn_upright(picture, mode)
        if upright.mode == "RGBA":
            upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
        return np.asarray(ImageOps.pad(upright.convert(mode), shape[::-1], Image.Resampling.BILINEAR))


def read_as_is(shape: tuple[int, int], mode: str, data: bytes) -> Pixels:
    """Read a picture of (height, width) pixels, without any preparation; the mode is L, gray, or RGB.

    Raises:
        PredictError: it is of another size, or not of 8 bits without transparency; see also `open_picture`.
    """
    with open_picture(data) as picture:
        if picture.size != shape[::-1]:
            found, wanted = ("{} x {}".format(*size) for size in (picture.size, shape[::-1]))
            raise PredictError(f"{found} pixels, must be {wanted} with --as-is")
        if picture.mode not in {"1", "L", "P", "RGB"} or picture.has_transparency_data:
            raise PredictError(f"has the mode {picture.mode}, must be 8 bits without transparency with --as-is")
        return np.asarray(picture.convert(mode))
