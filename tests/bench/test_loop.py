from pathlib import Path

from bench.loop import time_training
from tests.train.test_training import make_parameters


def test_it_reports_what_is_compared(data: Path) -> None:
    timing = time_training(data, make_parameters(optimizer="adam", lr=0.001, epochs=20))
    assert len(timing.epoch_ends) == 20
    assert 0 < timing.epoch_ends[0] < timing.epoch_ends[-1] <= timing.seconds
    assert timing.accuracy > 0.9
