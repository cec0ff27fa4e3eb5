from typing import Any

import pytest

from search.axis import LogAxis, ValueAxis


def make_axis(*values: float | None, is_maximized: bool = True) -> tuple[ValueAxis, Any]:
    axis = ValueAxis("score", is_maximized, values)
    return axis, axis.encoding["scale"]


def test_axis_has_all_values_if_none_is_far() -> None:
    axis, scale = make_axis(0.1, 0.2, 0.3)
    assert scale["domain"] == [0.1, 0.3]
    assert axis.edges == []
    assert axis.place(0.1) == 0.1


@pytest.mark.parametrize("sign", [1, -1])
def test_bad_values_are_at_the_edge(sign: int) -> None:
    axis, scale = make_axis(*(sign * value for value in (-1000, 4, 5, 6, 7)), is_maximized=sign == 1)
    (edge,) = axis.edges
    assert edge["label"] == ("< 1" if sign == 1 else "> -1")
    assert edge["limit"] == sign  # 7 - 3 * (7 - 5)
    assert sign * edge["value"] < 1
    assert axis.place(sign * -1000) == axis.place(None) == edge["value"]
    assert axis.place(sign * 4) == sign * 4
    assert scale["domain"] == sorted([edge["value"], sign * 7])


def test_trials_without_a_value_are_at_the_edge() -> None:
    axis, _ = make_axis(0.5, None, 1.0)
    assert [edge["label"] for edge in axis.edges] == ["no value"]
    assert axis.place(None) < axis.place(0.5) == 0.5
    assert make_axis(1.0, 1.0, 1.0, 0.5, None)[0].edges[0]["label"] == "no value"  # the best is the median
    assert make_axis(-1000, 5, 6, 7, None)[0].edges[0]["label"] == "no value\n< 1"


@pytest.mark.parametrize("value", [0.0, 0.5, -2.0, 1e-300])
def test_single_value_is_in_the_middle(value: float) -> None:
    low, high = make_axis(value)[1]["domain"]
    assert low < high
    assert (low + high) / 2 == pytest.approx(value)


def make_log_axis(*curves: list[float], is_maximized: bool = True) -> tuple[LogAxis, Any]:
    axis = LogAxis("score", is_maximized, [dict(enumerate(curve)) for curve in curves])
    return axis, axis.encoding


def test_log_axis_has_round_values() -> None:
    axis, encoding = make_log_axis([0.1, 0.9, 0.981], [0.2, 0.95, 0.9731])
    values = [round(0.981 - distance, 9) for distance in encoding["axis"]["values"]]
    assert values == [0.98, 0.979, 0.976, 0.97, 0.96, 0.93, 0.9, 0.8, 0.5]
    assert axis.place(0.1) == pytest.approx(0.881)
    assert encoding["scale"]["reverse"]


def test_log_axis_of_a_loss() -> None:
    axis, encoding = make_log_axis([2.3, 0.5, 0.2], [2.0, 0.4, 0.3], is_maximized=False)
    assert axis.place(0.2) == 0
    assert not encoding["scale"]["reverse"]
    values = [round(0.2 + distance, 9) for distance in encoding["axis"]["values"]]
    assert values == [0.21, 0.22, 0.25, 0.3, 0.4, 0.7, 1.0, 2.0]


@pytest.mark.parametrize("curve", [[0.5], [0.5, 0.5], [0.0], [1e-9, 2e-9]])
def test_log_axis_of_few_values(curve: list[float]) -> None:
    _, encoding = make_log_axis(curve)
    assert encoding["scale"]["constant"] > 0
    assert encoding["scale"]["domain"][1] > 0
    assert len(encoding["axis"]["values"]) < 20
