import pytest
import torch
from torch.nn import functional

from stages.shared.calibration import fit_temperature


@pytest.mark.parametrize("temperature", [0.5, 1, 3])
def test_finds_the_temperature_of_the_labels(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 5, generator=generator)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=generator).squeeze(1)
    found = fit_temperature(logits * temperature, labels)
    assert found == pytest.approx(temperature, rel=0.05)
    losses = [
        functional.cross_entropy(logits.double() * temperature / t, labels) for t in (found - 0.01, found, found + 0.01)
    ]
    assert min(losses) == losses[1]


def test_is_one_without_a_validation_set() -> None:
    assert fit_temperature(torch.empty(0, 5), torch.empty(0, dtype=torch.int64)) == 1
