from pathlib import Path

import numpy as np
import pytest

from stages.normalize.pixels import normalize
from stages.shared import idx, split
from tests.conftest import FailStage, RunStage, SetParameters

RAW = Path("data/raw")


@pytest.fixture(autouse=True)
def raw(project: Path) -> None:
    """Write 120 training and 30 test images."""
    generator = np.random.default_rng(0)
    RAW.mkdir()
    for files, size in ((idx.TRAIN, 120), (idx.TEST, 30)):
        idx.write_idx(RAW / files.images, generator.integers(0, 256, (size, 28, 28), dtype=np.uint8))
        idx.write_idx(RAW / files.labels, np.arange(size, dtype=np.uint8) % 10)


def read_all() -> list[split.Split]:
    return [split.read_split(path) for path in (split.TRAIN, split.VALIDATION, split.TEST)]


def test_splits_are_disjoint_stratified_and_complete(set_parameters: SetParameters, run_stage: RunStage) -> None:
    set_parameters(validation_size=20)
    run_stage("normalize")
    train, validation, test = read_all()
    assert [len(part.labels) for part in (train, validation, test)] == [100, 20, 30]
    assert np.bincount(validation.labels).tolist() == [2] * 10
    images, labels = idx.read_images_and_labels(RAW, idx.TRAIN)
    pixels = normalize(images, 0.5, 0.5)
    combined = {
        (image.tobytes(), int(label)) for part in (train, validation) for image, label in zip(*part, strict=True)
    }
    assert combined == {(image.tobytes(), int(label)) for image, label in zip(pixels, labels, strict=True)}


def test_split_depends_only_on_seed(set_parameters: SetParameters, run_stage: RunStage) -> None:
    written = []
    for seed in (0, 0, 1):
        set_parameters(validation_size=20, seed=seed)
        run_stage("normalize")
        written.append(split.VALIDATION.read_bytes())
    assert written[0] == written[1] != written[2]


def test_test_images_do_not_influence_other_splits(set_parameters: SetParameters, run_stage: RunStage) -> None:
    set_parameters(validation_size=20)
    written = []
    for brightness in (0, 255):
        idx.write_idx(RAW / idx.TEST.images, np.full((30, 28, 28), brightness, np.uint8))
        run_stage("normalize")
        written.append([path.read_bytes() for path in (split.TRAIN, split.VALIDATION, split.TEST)])
    assert written[0][:2] == written[1][:2]
    assert written[0][2] != written[1][2]


def test_without_validation_set(set_parameters: SetParameters, run_stage: RunStage) -> None:
    set_parameters(validation_size=0)
    run_stage("normalize")
    assert [len(part.labels) for part in read_all()] == [120, 0, 30]


@pytest.mark.parametrize("validation_size", [1, 9, 111, 120, 121, 60_000])
def test_rejects_validation_size(set_parameters: SetParameters, fail_stage: FailStage, validation_size: int) -> None:
    set_parameters(validation_size=validation_size)
    expected = f"params.yaml: validation_size: {validation_size} is not allowed; it must be 0, or from 10 to 110, "
    assert fail_stage("normalize").startswith(expected)
    assert not split.TRAIN.exists()


def test_rejects_damaged_input(set_parameters: SetParameters, fail_stage: FailStage) -> None:
    set_parameters(validation_size=0)
    path = RAW / idx.TEST.labels
    Path("dvc.lock").write_text(f"stages: {{download: {{outs: [{{path: {path}, md5: '{'0' * 32}'}}]}}}}")
    expected = f"{path}: MD5 differs from dvc.lock; to fix: python -m checks cache --repair && dvc repro"
    assert fail_stage("normalize") == expected
    assert not split.TRAIN.exists()
