from pathlib import Path

from bench.training_loop import time_training
from runtime.parameters import read_parameters
from stages.train.parameters import Parameters


def test_time_training(project: Path, data: Path) -> None:
    parameters = read_parameters(Parameters).model_copy(update={"optimizer": "adam", "lr": 0.001, "epochs": 20})
    timing = time_training(data, parameters)
    assert len(timing.epoch_ends) == 20
    assert 0 < timing.epoch_ends[0] < timing.epoch_ends[-1] <= timing.training_seconds
    assert timing.accuracy > 0.9
