import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from predict import images
from predict.errors import PredictError
from predict.images import list_images, read_as_is, read_bytes, read_gray
from predict.ink import find_ink
from predict.preparation import fit
from tests.predict.conftest import draw_seven

SEVEN = draw_seven()
EXPECTED = fit(SEVEN.astype(np.float32), 20, "mass")
INK = Image.fromarray(SEVEN)
PAPER = Image.fromarray(255 - SEVEN)


def encode(picture: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_, **options)
    return buffer.getvalue()


def draw_on_transparent(value: int) -> Image.Image:
    """Draw the 7 in a gray of `value` on a transparent background of black."""
    picture = Image.new("LA", INK.size)
    picture.paste(value, mask=INK)
    picture.putalpha(INK)
    return picture


def make_sticker() -> Image.Image:
    """Draw the 7 on a white box in a transparent picture."""
    sticker = Image.new("RGBA", (400, 440))
    sticker.paste(PAPER, (100, 100))
    return sticker


def orient(orientation: int, *methods: Image.Transpose) -> bytes:
    """Encode a picture that is upright once its EXIF orientation is applied."""
    picture = PAPER
    for method in methods:
        picture = picture.transpose(method)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(picture, "JPEG", exif=exif, quality=95)


DEEP = Image.fromarray(np.asarray(PAPER, np.uint16) * 16)  # 12 of 16 bits
WITH_NAN = np.where(np.arange(200) < 3, np.nan, np.asarray(PAPER, np.float32) / 255 - 7).astype(np.float32)
COLORED = Image.composite(Image.new("RGB", INK.size, (30, 30, 160)), Image.new("RGB", INK.size, (250, 240, 200)), INK)

PICTURES = {
    "1": encode(PAPER.convert("1")),
    "L": encode(PAPER),
    "palette": encode(COLORED.convert("P", palette=Image.Palette.ADAPTIVE)),
    "palette with a transparent color": encode(INK.convert("P"), transparency=0),
    "RGB": encode(COLORED),
    "CMYK JPEG": encode(COLORED.convert("CMYK"), "JPEG"),
    "YCbCr TIFF": encode(COLORED.convert("YCbCr"), "TIFF"),
    "Lab TIFF": encode(
        Image.merge("LAB", [PAPER, Image.new("L", INK.size, 128), Image.new("L", INK.size, 128)]), "TIFF"
    ),
    "16-bit PNG": encode(DEEP),
    "16-bit TIFF": encode(DEEP, "TIFF"),
    "32-bit TIFF": encode(DEEP.convert("I"), "TIFF"),
    "float TIFF with NaN": encode(Image.fromarray(WITH_NAN), "TIFF"),
    "black on transparent": encode(draw_on_transparent(0)),
    "white on transparent": encode(draw_on_transparent(255)),
    "white box on transparent": encode(make_sticker()),
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
    image = fit(find_ink(read_gray(PICTURES[name])), 20, "mass")
    assert np.corrcoef(image.ravel(), EXPECTED.ravel())[0, 1] > 0.93


def declare_png(width: int, height: int) -> bytes:
    """Make a PNG of that size in its header, without pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + b"\0\0\0\0IDAT"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "an empty file"),
        (b"text", "not a picture (AVIF, BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP)"),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            "not a picture (AVIF, BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP)",
        ),
        (declare_png(10_000, 10_000), "has more than 89,478,485 pixels"),
        (declare_png(100_000, 100_000), "has more than 89,478,485 pixels"),
        (encode(Image.new("LA", (9, 9))), "empty: all of it is transparent"),
    ],
    ids=["empty", "text", "eps", "bomb", "larger bomb", "transparent"],
)
def test_rejects(data: bytes, message: str) -> None:
    with pytest.raises(PredictError) as caught:
        read_gray(data)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["L", "JPEG", "WebP", "BMP", "GIF", "16-bit TIFF", "PPM"])
def test_rejects_truncated_picture(name: str) -> None:
    data = PICTURES[name]
    with pytest.raises(PredictError, match=r"^(a damaged|not a) picture"):
        read_gray(data[: len(data) // 2])


def test_damaged_pictures_raise_nothing_else() -> None:
    generator = np.random.default_rng(0)
    for name in ("L", "JPEG", "WebP", "GIF", "16-bit TIFF", "palette", "BMP"):
        for _ in range(20):
            data = bytearray(PICTURES[name])
            for position in generator.integers(0, min(len(data), 400), 5):
                data[position] = generator.integers(256)
            with suppress(PredictError):
                assert np.isfinite(read_gray(bytes(data))).all()


def test_large_jpeg_is_decoded_at_a_smaller_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_SIDE", 500)
    decoded: list[tuple[int, int]] = []
    transpose = ImageOps.exif_transpose

    def record(picture: Image.Image, *, in_place: bool) -> None:
        decoded.append(picture.size)
        assert in_place
        transpose(picture, in_place=True)

    monkeypatch.setattr(ImageOps, "exif_transpose", record)
    assert read_gray(encode(PAPER.resize((2000, 2400)), "JPEG")).shape == (300, 250)
    assert decoded == [(500, 600)]


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_as_is_changes_nothing(mode: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    assert np.array_equal(read_as_is(encode(Image.fromarray(image).convert(mode))), image)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (PAPER, "200 x 240 pixels, must be 28 x 28 with --as-is"),
        (Image.new("LA", (28, 28)), "has the mode LA, must be 8 bits without transparency with --as-is"),
        (Image.new("I;16", (28, 28)), "has the mode I;16, must be 8 bits without transparency with --as-is"),
    ],
    ids=["size", "alpha", "16 bits"],
)
def test_as_is_rejects(picture: Image.Image, message: str) -> None:
    with pytest.raises(PredictError) as caught:
        read_as_is(encode(picture))
    assert str(caught.value) == message


def test_lists_folder_recursively(tmp_path: Path) -> None:
    for name in ("b.png", "a/c.JPG", "a/.hidden.png", "text.txt", "a/b/d.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    names = [str(Path(name).relative_to(tmp_path)) for name in list_images(str(tmp_path))]
    assert names == ["a/b/d.webp", "a/c.JPG", "b.png"]
    assert list_images("./a.png") == ["./a.png"]


def test_rejects_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "text.txt").touch()
    with pytest.raises(PredictError, match=r"^no pictures in this folder"):
        list_images(str(tmp_path))


def test_rejects_large_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_BYTES", 1000)
    with pytest.raises(PredictError, match=r"^has more than 1,000 bytes$"):
        read_bytes("/dev/zero")
