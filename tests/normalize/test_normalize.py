from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages.download.__main__ import declare_missing_operators
from stages.normalize import __main__ as normalize
from stages.shared import idx, split
from stages.shared.stage import StageError
from tests.conftest import SetParameters

GENERATOR = np.random.default_rng(0)


@pytest.fixture
def write_raw(project: Path) -> Callable[..., None]:
    def write(train: int = 120, test: int = 30) -> None:
        (project / "data/raw").mkdir(parents=True, exist_ok=True)
        for files, size in ((idx.TRAIN, train), (idx.TEST, test)):
            images = GENERATOR.integers(0, 256, (size, 28, 28), dtype=np.uint8)
            labels = np.arange(size, dtype=np.uint8) % 10
            idx.write_idx(project / "data/raw" / files.images, images)
            idx.write_idx(project / "data/raw" / files.labels, labels)

    return write


def read_all() -> list[split.Split]:
    return [split.read_split(path) for path in (split.TRAIN, split.VALIDATION, split.TEST)]


def test_pixels_are_what_torchvision_makes_of_them() -> None:
    declare_missing_operators()
    from torchvision import transforms

    images = GENERATOR.integers(0, 256, (5, 28, 28), dtype=np.uint8)
    images[0, 0, :2] = 0, 255
    to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    expected = np.concatenate([to_tensor(image).numpy() for image in images])
    normalized = normalize.normalize(images, mean=0.5, std=0.5)
    np.testing.assert_array_equal(normalized, expected, strict=True)
    assert (normalized.min(), normalized.max()) == (-1, 1)


def test_splits_are_disjoint_stratified_and_whole(
    write_raw: Callable[..., None], set_parameters: SetParameters
) -> None:
    write_raw()
    set_parameters(validation_size=20)
    normalize.main()
    train, validation, test = read_all()
    assert [len(part.labels) for part in (train, validation, test)] == [100, 20, 30]
    assert np.bincount(validation.labels).tolist() == [2] * 10
    images, labels = idx.read_images_and_labels(Path("data/raw"), idx.TRAIN)
    pixels = normalize.normalize(images, 0.5, 0.5)
    together = {
        (image.tobytes(), int(label)) for part in (train, validation) for image, label in zip(*part, strict=True)
    }
    assert together == {(image.tobytes(), int(label)) for image, label in zip(pixels, labels, strict=True)}


def test_seed_alone_decides_the_split(write_raw: Callable[..., None], set_parameters: SetParameters) -> None:
    write_raw()
    drawn = []
    for seed in (0, 0, 1):
        set_parameters(validation_size=20, seed=seed)
        normalize.main()
        drawn.append(split.VALIDATION.read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_test_images_influence_nothing_else(write_raw: Callable[..., None], set_parameters: SetParameters) -> None:
    write_raw()
    set_parameters(validation_size=20)
    written = []
    for brightness in (0, 255):
        test_images = np.full((30, 28, 28), brightness, np.uint8)
        idx.write_idx(Path("data/raw") / idx.TEST.images, test_images)
        normalize.main()
        written.append([path.read_bytes() for path in (split.TRAIN, split.VALIDATION, split.TEST)])
    assert written[0][:2] == written[1][:2]
    assert written[0][2] != written[1][2]


def test_without_validation_all_images_are_for_training(
    write_raw: Callable[..., None], set_parameters: SetParameters
) -> None:
    write_raw()
    set_parameters(validation_size=0)
    normalize.main()
    assert [len(part.labels) for part in read_all()] == [120, 0, 30]


@pytest.mark.parametrize("validation_size", [1, 9, 111, 120, 121, 60_000])
def test_a_split_without_an_image_of_each_class_is_refused(
    write_raw: Callable[..., None], set_parameters: SetParameters, validation_size: int
) -> None:
    write_raw()
    set_parameters(validation_size=validation_size)
    with pytest.raises(
        StageError,
        match=rf"^params.yaml: validation_size: {validation_size} is not allowed; it must be 0, or from 10 to 110",
    ):
        normalize.main()
    assert not split.TRAIN.exists()


@pytest.mark.parametrize("mean", [-1e6, 1e6])
@pytest.mark.parametrize("std", [1e-6, 1e6])
def test_no_allowed_parameters_overflow(mean: float, std: float) -> None:
    images = np.array([[[0, 255]]], dtype=np.uint8)
    assert np.isfinite(normalize.normalize(images, mean, std)).all()


def test_a_damaged_file_is_refused(write_raw: Callable[..., None], set_parameters: SetParameters) -> None:
    write_raw()
    set_parameters(validation_size=0)
    Path("dvc.lock").write_text(
        f"stages: {{download: {{outs: [{{path: data/raw/{idx.TEST.labels}, md5: '{'0' * 32}'}}]}}}}"
    )
    with pytest.raises(StageError, match=rf"^data/raw/{idx.TEST.labels}: is not the file that its stage wrote"):
        normalize.main()
    assert not split.TRAIN.exists()
