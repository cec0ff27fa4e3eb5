"""Parameters and labeled images for the tests of training."""

import torch

from stages.train.parameters import Parameters
from stages.train.training import LabeledImages
from tests.conftest import make_split

DEFAULTS = {
    "seed": 0,
    "hidden_sizes": [128, 64],
    "loss": "cross_entropy",
    "optimizer": "sgd",
    "lr": 0.01,
    "momentum": 0,
    "weight_decay": 0,
    "batch_size": 64,
    "epochs": 1,
    "schedule": "constant",
    "augment": "none",
    "patience": 0,
    "numerics": "portable",
}


def make_parameters(**changes: object) -> Parameters:
    """Make the parameters of a training of one epoch, with the other values of params.yaml."""
    return Parameters.model_validate(DEFAULTS | changes)


def make_labeled(size: int, seed: int = 0) -> LabeledImages:
    """Make the images of `make_split` as tensors."""
    return LabeledImages(*map(torch.from_numpy, make_split(size, seed)))
