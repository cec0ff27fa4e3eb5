"""TrainParameters and labeled images for the tests of training."""

import torch
from ruamel.yaml import YAML

from stages.shared.parameters import TrainParameters
from stages.shared.training import LabeledImages
from tests.clone import ROOT
from tests.stages.conftest import PARAMETERS, make_split


def make_parameters(**changes: object) -> TrainParameters:
    """Make the parameters of a training of one epoch, with the other values of the tests."""
    values = YAML(typ="safe").load(ROOT / "params.yaml") | PARAMETERS | {"epochs": 1} | changes
    return TrainParameters.model_validate({key: values[key] for key in TrainParameters.model_fields})


def make_labeled(size: int, seed: int = 0) -> LabeledImages:
    """Make the images of `make_split` as tensors."""
    return LabeledImages(*map(torch.from_numpy, make_split(size, seed)))
