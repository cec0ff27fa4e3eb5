from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from stages.normalize import normalize, split_indices
from stages.shared import idx, splits
from stages.shared.datasets import DATASETS, DatasetName
from tests.stages.conftest import FailStage, RunStage, SetParameters

RAW = Path("data/raw")
LABELS = np.repeat(np.arange(10, dtype=np.int64), [10, 20, 30, 40, 50, 60, 70, 80, 90, 150])


@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (0.1307, 0.3081)])
def test_normalizes_as_torchvision(mean: float, std: float) -> None:
    """The operations of ToTensor and Normalize, to the bit."""
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    images[0, 0, :2] = 0, 255
    expected = torch.from_numpy(images).to(torch.float32).div(255).sub_(torch.tensor(mean)).div_(torch.tensor(std))
    np.testing.assert_array_equal(normalize(images, mean, std), expected.unsqueeze(1).numpy(), strict=True)


def test_color_channels_come_first() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 9, 3), dtype=np.uint8)
    normalized = normalize(images, 0.5, 0.5)
    assert normalized.shape == (5, 3, 8, 9)
    for channel in range(3):
        np.testing.assert_array_equal(normalized[:, channel], normalize(images[..., channel], 0.5, 0.5)[:, 0])


@pytest.mark.parametrize("mean", [-1e6, 1e6])
def test_limits_of_mean_and_std_do_not_overflow(mean: float) -> None:
    assert np.isfinite(normalize(np.array([[[0, 255]]], dtype=np.uint8), mean, 1e-6)).all()


@pytest.mark.parametrize("validation_size", [10, 60, 590])
def test_indices_are_ascending_complete_and_stratified(validation_size: int) -> None:
    train, validation = split_indices(LABELS, validation_size, seed=0)
    assert len(validation) == validation_size
    assert train.tolist() == sorted(train)
    assert validation.tolist() == sorted(validation)
    assert sorted([*train, *validation]) == list(range(len(LABELS)))
    if validation_size == 60:
        assert np.bincount(LABELS[validation]).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 15]


@pytest.fixture
def raw(project: Path) -> None:
    """Write 120 training and 30 test images."""
    generator = np.random.default_rng(0)
    (project / RAW).mkdir()
    idx.write_classes(RAW, tuple("0123456789"))
    for files, size in ((idx.TRAIN, 120), (idx.TEST, 30)):
        idx.write_idx(RAW / files.images, generator.integers(0, 256, (size, 28, 28), dtype=np.uint8))
        idx.write_idx(RAW / files.labels, np.arange(size, dtype=np.uint8) % 10)


def read_all() -> list[splits.Split]:
    return [splits.read_split(path) for path in (splits.TRAIN, splits.VALIDATION, splits.TEST)]


@pytest.mark.usefixtures("raw")
def test_writes_each_image_with_its_label(set_parameters: SetParameters, run_stage: RunStage) -> None:
    set_parameters(validation_size=20)
    run_stage("normalize")
    train, validation, test = read_all()
    assert [len(part.labels) for part in (train, validation, test)] == [100, 20, 30]
    images, labels = idx.read_images_and_labels(RAW, idx.TRAIN)
    for part, indices in zip((train, validation), split_indices(labels, 20, seed=0), strict=True):
        np.testing.assert_array_equal(part.images, normalize(images[indices], 0.5, 0.5))
        assert part.labels.tolist() == labels[indices].tolist()


@pytest.mark.usefixtures("raw")
def test_split_depends_only_on_seed(set_parameters: SetParameters, run_stage: RunStage) -> None:
    written = []
    for seed in (0, 0, 1):
        set_parameters(validation_size=20, seed=seed)
        run_stage("normalize")
        written.append(splits.VALIDATION.read_bytes())
    assert written[0] == written[1] != written[2]


@pytest.mark.usefixtures("raw")
def test_without_validation_set(set_parameters: SetParameters, run_stage: RunStage) -> None:
    set_parameters(validation_size=0)
    run_stage("normalize")
    assert [len(part.labels) for part in read_all()] == [120, 0, 30]


@pytest.mark.parametrize("validation_size", [9, 111, 60_000])
@pytest.mark.usefixtures("raw")
def test_rejects_validation_size(set_parameters: SetParameters, fail_stage: FailStage, validation_size: int) -> None:
    set_parameters(validation_size=validation_size)
    expected = f"params.yaml: validation_size: {validation_size} is not allowed; it must be 0, or from 10 to 110, "
    assert fail_stage("normalize").startswith(expected)
    assert not splits.TRAIN.exists()


def test_knows_each_data_set_of_params_yaml() -> None:
    assert DATASETS.keys() == set(get_args(DatasetName)) - {"folder"}


@pytest.mark.usefixtures("raw")
def test_describes_the_data_set(set_parameters: SetParameters, run_stage: RunStage) -> None:
    set_parameters(dataset="fashion_mnist", validation_size=20, mean=0.25)
    idx.write_classes(RAW, DATASETS["fashion_mnist"].classes)
    run_stage("normalize")
    expected = {"name": "fashion_mnist", "channels": 1, "height": 28, "width": 28, "mean": 0.25, "std": 0.5}
    for part in read_all():
        assert part.dataset.model_dump().items() >= expected.items()
        assert part.dataset.classes[9] == "Ankle boot"


@pytest.mark.usefixtures("raw")
def test_rejects_images_and_labels_of_another_data_set(set_parameters: SetParameters, fail_stage: FailStage) -> None:
    set_parameters(validation_size=0)
    labels = idx.read_idx(RAW / idx.TEST.labels, 1)
    idx.write_idx(RAW / idx.TEST.labels, labels + 1)
    assert fail_stage("normalize") == "data/raw: contains the label 10, must be 0 to 9"
    idx.write_idx(RAW / idx.TEST.images, np.zeros((30, 27, 28), np.uint8))
    assert fail_stage("normalize") == "data/raw: test images are 27 x 28, training images are 28 x 28"
    assert not splits.TRAIN.exists()


@pytest.mark.usefixtures("raw")
def test_rejects_class_of_one_image_with_a_validation_set(
    set_parameters: SetParameters, fail_stage: FailStage, run_stage: RunStage
) -> None:
    labels = idx.read_idx(RAW / idx.TRAIN.labels, 1)
    idx.write_idx(RAW / idx.TRAIN.labels, np.where((labels == 3) & (np.arange(len(labels)) > 10), 4, labels))
    set_parameters(validation_size=20)
    assert fail_stage("normalize").startswith("data/raw: the class 3 has one training image, must have 2 or more")
    set_parameters(validation_size=0)
    run_stage("normalize")
