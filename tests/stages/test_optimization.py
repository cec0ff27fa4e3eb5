import pytest
import torch
from torch import nn, optim

from stages.shared.optimization import OneHot, build_optimizer, build_schedule
from tests.stages.conftest import make_parameters


def test_one_hot_targets() -> None:
    logits, labels = torch.randn(50, 10), torch.randint(0, 10, (50,))
    expected = (logits - torch.eye(10)[labels]).square().mean()
    torch.testing.assert_close(OneHot(nn.MSELoss())(logits, labels), expected)


@pytest.mark.parametrize(
    ("name", "expected"), [("sgd", optim.SGD), ("adam", optim.Adam), ("adamw", optim.AdamW), ("rmsprop", optim.RMSprop)]
)
def test_optimizer_has_the_parameters_and_otherwise_defaults(name: str, expected: type[optim.Optimizer]) -> None:
    weights = nn.Linear(2, 2)
    values = {"lr": 0.02, "momentum": 0.5, "weight_decay": 0.1}
    optimizer = build_optimizer(weights.parameters(), make_parameters(optimizer=name, **values))
    assert type(optimizer) is expected
    reference = expected(weights.parameters(), lr=0.5)  # type: ignore[call-arg]
    fused = {"fused": True} if "adam" in name else {}
    used = {key: value for key, value in values.items() if key in reference.defaults}
    assert optimizer.defaults == reference.defaults | used | fused


@pytest.mark.parametrize("steps", [1, 3, 1000])
@pytest.mark.parametrize("name", ["constant", "one_cycle"])
def test_schedule(name: str, steps: int) -> None:
    optimizer = optim.SGD([torch.zeros(1)], lr=0.3, momentum=0.9)
    schedule = build_schedule(optimizer, make_parameters(lr=0.3, schedule=name), steps)
    rates = []
    for _ in range(steps):
        optimizer.step()
        rates.append(optimizer.param_groups[0]["lr"])
        schedule.step()
    assert optimizer.param_groups[0]["momentum"] == 0.9
    if name == "constant":
        assert rates == [0.3] * steps
    elif steps >= 10:
        top = rates.index(max(rates))
        assert rates[0] == pytest.approx(0.3 / 25)
        assert (top + 1) / steps == pytest.approx(0.3)
        assert rates[top] == pytest.approx(0.3)
        assert rates[-1] == pytest.approx(0.3 / 25 / 1e4)
