"""The data set `folder`: own pictures, as they are read, split and rejected."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from predict.pictures import read_scaled
from stages.shared import idx
from stages.shared.pictures import read_picture
from tests.stages.conftest import FailStage, RunStage, SetParameters

IMAGES, RAW = Path("data/images"), Path("data/raw")


def draw(path: Path, size: tuple[int, int] = (9, 7), mode: str = "L", seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    Image.fromarray(values).convert(mode).save(path)


@pytest.fixture
def pictures(set_parameters: SetParameters) -> None:
    """Draw ten pictures of each of the classes `cat` and `dog`, without a test set."""
    set_parameters(dataset="folder")
    for number in range(20):
        name = ("cat", "dog")[number % 2]
        draw(IMAGES / f"train/{name}/{number}.png", seed=number)
        (IMAGES / f"train/{name}/.DS_Store").touch()


def read(files: idx.IdxFiles) -> set[tuple[bytes, int]]:
    images, labels = idx.read_images_and_labels(RAW, files)
    return {(image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)}


@pytest.mark.usefixtures("pictures")
def test_holds_out_a_fifth_of_each_class_for_testing(run_stage: RunStage) -> None:
    run_stage("download")
    train, test = read(idx.TRAIN), read(idx.TEST)
    assert not train & test
    assert sorted(label for _, label in test) == [0, 0, 1, 1]
    files = [(path, int(path.parent.name == "dog")) for path in IMAGES.glob("train/*/*.png")]
    assert train | test == {(np.asarray(Image.open(path)).tobytes(), label) for path, label in files}
    assert idx.read_classes(RAW) == ("cat", "dog")
    for number in range(20, 25):
        draw(IMAGES / f"train/cat/{number}.png", seed=number)
    run_stage("download")
    assert len(read(idx.TEST) & test) >= 3, "others are held out when pictures are added"


@pytest.mark.usefixtures("pictures")
def test_uses_test_folder(run_stage: RunStage) -> None:
    draw(IMAGES / "test/dog/a b/1.png", seed=100)
    run_stage("download")
    assert len(read(idx.TRAIN)) == 20
    assert read(idx.TEST) == {(np.asarray(Image.open(IMAGES / "test/dog/a b/1.png")).tobytes(), 1)}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(9, 7), (30, 50)])
def test_reads_as_predict_does(mode: str, channels: int, size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    draw(path, size, mode)
    expected = read_scaled((8, 8), "L" if channels == 1 else "RGB", path.read_bytes())
    np.testing.assert_array_equal(read_picture(path, channels, 8), expected, strict=True)


@pytest.mark.skipif(not features.check("jpg"), reason="Pillow has no JPEG")
def test_reads_rotated_photo_as_predict_does(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    photo = Image.radial_gradient("L").resize((4200, 100))
    exif = photo.getexif()
    exif[0x0112] = 6  # the orientation: rotated by 90 degrees
    photo.save(path, exif=exif)
    image = read_picture(path, 1, 28)
    np.testing.assert_array_equal(image, read_scaled((28, 28), "L", path.read_bytes()))
    assert not image[:, :13].any()


def keep_one(folder: Path) -> None:
    for path in sorted(folder.glob("*.png"))[1:]:
        path.unlink()


TRAIN, CAT, DOG = IMAGES / "train", IMAGES / "train/cat", IMAGES / "train/dog"
PACKED = IMAGES / f"{idx.TRAIN.images}.gz"
WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "no pictures": (lambda: IMAGES.rename("data/other"), "train: no such folder; it must have a folder of pictures"),
    "one class": (lambda: DOG.rename("data/dog"), "train: must have a folder for each of 2 or more classes, has 1"),
    "empty class": ((TRAIN / "ant").mkdir, "train/ant: no pictures"),
    "one picture": (lambda: keep_one(DOG), "train/dog: has one picture, must have 2 or more; one is held out"),
    "no picture": (lambda: (CAT / "a.txt").write_text("a"), "train/cat/a.txt: not a picture (AVIF, BMP, "),
    "damaged": (lambda: (CAT / "0.png").write_bytes((CAT / "0.png").read_bytes()[:90]), "train/cat/0.png: a damaged"),
    "16 bits": (lambda: Image.new("I;16", (9, 7)).save(CAT / "0.png"), "train/cat/0.png: has more than 8 bits"),
    "two sizes": (lambda: draw(CAT / "0.png", (9, 8)), "train/cat/12.png: 9 x 7 pixels, but data/images/train/cat/0"),
    "no class": (lambda: draw(TRAIN / "1.png"), "train/1.png: not in the folder of a class"),
    "other folder": (
        lambda: draw(IMAGES / "val/cat/1.png"),
        "val: not allowed; data/images may have the",
    ),
    "other class": (lambda: draw(IMAGES / "test/ant/1.png"), "test/ant: not allowed; data/images/train has no such"),
    "name": (lambda: DOG.rename(TRAIN / "d\no\udcffg"), r"train/d\no\udcffg: has characters that cannot be printed"),
    "IDX": (lambda: PACKED.write_bytes(b"no"), f"{idx.TRAIN.images}.gz: not a gzip file, or damaged"),
    "part of IDX": (lambda: PACKED.write_bytes(gzip.compress(b"")), f"{idx.TRAIN.labels}: no such file, nor "),
}


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("name", WRONG)
def test_rejects_in_one_line(name: str, fail_stage: FailStage) -> None:
    spoil, message = WRONG[name]
    spoil()
    assert fail_stage("download").startswith(f"data/images/{message}")
    assert not RAW.exists()


@pytest.mark.parametrize("classes", [None, ["a", "b", "c"]])
def test_takes_own_idx_files(classes: list[str] | None, set_parameters: SetParameters, run_stage: RunStage) -> None:
    set_parameters(dataset="folder", validation_size=0)
    for files in (idx.TRAIN, idx.TEST):
        idx.write_idx(IMAGES / files.images, np.arange(60, dtype=np.uint8).reshape(3, 4, 5))
        idx.write_idx(IMAGES / files.labels, np.arange(3, dtype=np.uint8))
    packed = IMAGES / f"{idx.TRAIN.images}.gz"
    packed.write_bytes(gzip.compress((IMAGES / idx.TRAIN.images).read_bytes()))
    (IMAGES / idx.TRAIN.images).unlink()
    if classes:
        idx.write_classes(IMAGES, classes)
    run_stage("download")
    assert idx.read_images_and_labels(RAW, idx.TRAIN)[0].tolist() == np.arange(60).reshape(3, 4, 5).tolist()
    assert idx.read_classes(RAW) == (("a", "b", "c") if classes else ("0", "1", "2"))
    run_stage("normalize")
