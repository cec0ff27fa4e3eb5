import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image, ImageOps

from predict import PredictError, pictures
from predict.ink import find_digits
from predict.pictures import list_pictures, read_as_is, read_file, read_gray, read_scaled
from predict.preparation import Ink, fit
from predict.strokes import remove_slant
from tests.predict.conftest import draw_seven

SEVEN = draw_seven()
EXPECTED = fit(remove_slant(SEVEN.astype(np.float32)), (28, 28), Ink(20, "mass"))
INK, PAPER, GRAY = Image.fromarray(SEVEN), Image.fromarray(255 - SEVEN), Image.new("L", SEVEN.shape[::-1], 128)
COLORED = Image.composite(Image.new("RGB", INK.size, (30, 30, 160)), Image.new("RGB", INK.size, (250, 240, 200)), INK)
DEEP = Image.fromarray(np.asarray(PAPER, np.uint16) * 16)  # 12 of 16 bits
WITH_NAN = np.where(np.arange(200) < 3, np.nan, np.asarray(PAPER, np.float32) / 255 - 7).astype(np.float32)
NO_PICTURE = "not a picture (AVIF, BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP)"


def encode(picture: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_, **options)
    return buffer.getvalue()


def orient(orientation: int, method: Image.Transpose) -> bytes:
    """Encode a picture that is upright once its EXIF orientation is applied."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(PAPER.transpose(method), "JPEG", exif=exif, quality=95)


PICTURES = {
    "1": encode(PAPER.convert("1")),
    "L": encode(PAPER),
    "palette": encode(COLORED.convert("P", palette=Image.Palette.ADAPTIVE)),
    "palette with a transparent color": encode(INK.convert("P"), transparency=0),
    "RGB": encode(COLORED),
    "CMYK JPEG": encode(COLORED.convert("CMYK"), "JPEG"),
    "YCbCr TIFF": encode(COLORED.convert("YCbCr"), "TIFF"),
    "Lab TIFF": encode(Image.merge("LAB", [PAPER, GRAY, GRAY]), "TIFF"),
    "16-bit PNG": encode(DEEP),
    "16-bit TIFF": encode(DEEP, "TIFF"),
    "32-bit TIFF": encode(DEEP.convert("I"), "TIFF"),
    "float TIFF with NaN": encode(Image.fromarray(WITH_NAN), "TIFF"),
    "black on transparent": encode(Image.merge("LA", [Image.new("L", INK.size), INK])),
    "white on transparent": encode(Image.merge("LA", [INK, INK])),
    "white box on transparent": encode(ImageOps.expand(PAPER.convert("RGBA"), 100)),
    "opaque RGBA": encode(PAPER.convert("RGBA")),
    "JPEG": encode(COLORED, "JPEG", quality=50),
    "WebP": encode(COLORED, "WEBP"),
    "BMP": encode(PAPER, "BMP"),
    "GIF": encode(PAPER, "GIF"),
    "PPM": encode(COLORED, "PPM"),
    "EXIF 3": orient(3, Image.Transpose.ROTATE_180),
    "EXIF 5": orient(5, Image.Transpose.TRANSPOSE),
    "EXIF 6": orient(6, Image.Transpose.ROTATE_90),
    "EXIF 8": orient(8, Image.Transpose.ROTATE_270),
    "damaged EXIF": encode(PAPER, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\xff" + b"\xff" * 40),
    "large": encode(PAPER.resize((2500, 3000))),
}


@pytest.mark.parametrize("name", PICTURES)
def test_reads_the_same_digit(name: str) -> None:
    image = fit(find_digits(read_gray(PICTURES[name]))[0], (28, 28), Ink(20, "mass"))
    assert np.corrcoef(image.ravel(), EXPECTED.ravel())[0, 1] > 0.93


def declare_png(side: int) -> bytes:
    """Make a PNG of that size in its header, without pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + checksum + b"\0\0\0\0IDAT"


REJECTED = {
    "empty": (b"", "an empty file"),
    "text": (b"text", NO_PICTURE),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", NO_PICTURE),
    "bomb": (declare_png(10_000), "has more than 89,478,485 pixels"),
    "larger bomb": (declare_png(100_000), "has more than 89,478,485 pixels"),
    "transparent": (encode(Image.new("LA", (9, 9))), "empty: all of it is transparent"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_rejects(name: str) -> None:
    data, message = REJECTED[name]
    with pytest.raises(PredictError) as caught:
        read_gray(data)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["L", "JPEG", "WebP", "BMP", "GIF", "16-bit TIFF", "PPM", "palette"])
def test_damaged_pictures_raise_nothing_else(name: str) -> None:
    with pytest.raises(PredictError, match=r"^(a damaged|not a) picture"):
        read_gray(PICTURES[name][: len(PICTURES[name]) // 2])
    generator = np.random.default_rng(0)
    for _ in range(20):
        data = bytearray(PICTURES[name])
        for position in generator.integers(0, min(len(data), 400), 5):
            data[position] = generator.integers(256)
        with suppress(PredictError):
            assert np.isfinite(read_gray(bytes(data))).all()


def test_large_jpeg_is_decoded_at_a_smaller_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_SIDE", 500)
    exif_transpose = mock.Mock(wraps=ImageOps.exif_transpose)
    monkeypatch.setattr(ImageOps, "exif_transpose", exif_transpose)
    assert read_gray(encode(PAPER.resize((2000, 2400)), "JPEG")).shape == (300, 250)
    assert exif_transpose.call_args.args[0].size == (500, 600)


@pytest.mark.parametrize("name", ["L", "opaque RGBA", "16-bit PNG", "EXIF 3", "EXIF 6", "black on transparent"])
def test_scales_to_fit(name: str) -> None:
    image = read_scaled((30, 50), "L", PICTURES[name])
    expected = np.pad(np.asarray(PAPER.resize((25, 30), Image.Resampling.BILINEAR)), ((0, 0), (12, 13)))
    assert np.abs(image.astype(int) - expected).max() <= 8  # of a JPEG


def test_scales_in_color() -> None:
    image = read_scaled((60, 50), "RGB", PICTURES["RGB"])
    assert np.array_equal(image, np.asarray(COLORED.resize((50, 60), Image.Resampling.BILINEAR)))
    assert np.ptp(read_scaled((60, 50), "RGB", PICTURES["L"]), axis=-1).max() == 0


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_as_is_changes_nothing(mode: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    data = encode(Image.fromarray(image).convert(mode))
    assert np.array_equal(read_as_is((20, 30), "L", data), image)
    assert np.array_equal(read_as_is((20, 30), "RGB", data), np.stack([image] * 3, axis=-1))


def test_as_is_rejects() -> None:
    with pytest.raises(PredictError, match=r"^200 x 240 pixels, must be 30 x 20 with --as-is$"):
        read_as_is((20, 30), "L", encode(PAPER))
    for mode in ("LA", "I;16"):
        with pytest.raises(
            PredictError, match=f"^has the mode {mode}, must be 8 bits without transparency with --as-is"
        ):
            read_as_is((20, 30), "L", encode(Image.new(mode, (30, 20))))


def test_lists_folder_recursively(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "text.txt").touch()
    with pytest.raises(PredictError, match=r"^no pictures in this folder"):
        list_pictures(str(tmp_path))
    for name in ("b.png", "a/c.JPG", "a/.hidden.png", "a/b/d.webp"):
        (tmp_path / name).touch()
    assert list_pictures(str(tmp_path)) == [f"{tmp_path}/{name}" for name in ("a/b/d.webp", "a/c.JPG", "b.png")]
    assert list_pictures("./a.png") == ["./a.png"]


def test_rejects_large_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 1000)
    with pytest.raises(PredictError, match=r"^has more than 1,000 bytes$"):
        read_file("/dev/zero")
