import numpy as np
import pytest

from stages.normalize.validation_set import split_indices

LABELS = np.repeat(np.arange(10, dtype=np.uint8), [10, 20, 30, 40, 50, 60, 70, 80, 90, 150])


@pytest.mark.parametrize("validation_size", [10, 60, 590])
def test_parts_are_ascending_and_complete(validation_size: int) -> None:
    train, validation = split_indices(LABELS, validation_size, seed=0)
    assert len(validation) == validation_size
    assert train.tolist() == sorted(train)
    assert validation.tolist() == sorted(validation)
    assert sorted([*train, *validation]) == list(range(len(LABELS)))


def test_is_stratified() -> None:
    _, validation = split_indices(LABELS, 60, seed=0)
    assert np.bincount(LABELS[validation]).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 15]


def test_depends_on_seed() -> None:
    first, same, other = (split_indices(LABELS, 60, seed)[1].tolist() for seed in (0, 0, 1))
    assert first == same != other


def test_without_validation_set() -> None:
    train, validation = split_indices(LABELS, 0, seed=0)
    assert train.tolist() == list(range(len(LABELS)))
    assert len(validation) == 0
