"""The validation set, drawn from the training images."""

import numpy as np
from numpy.typing import NDArray


def split_indices(labels: NDArray[np.uint8], validation_size: int, seed: int) -> list[NDArray[np.intp]]:
    """Hold out a stratified validation set: each class has the same proportion in it as in `labels`.

    Returns the indices of the training images and of the validation images, ascending.
    """
    indices = np.arange(len(labels))
    if validation_size == 0:
        return [indices, indices[:0]]
    from sklearn.model_selection import train_test_split

    train_indices, validation_indices = train_test_split(
        indices, test_size=validation_size, stratify=labels, random_state=seed
    )
    return [np.sort(train_indices), np.sort(validation_indices)]
