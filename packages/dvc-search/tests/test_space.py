from dvc_search.parameters import format_parameters
from dvc_search.space import Choices, Dimension, Range, encode, list_grid


def test_points_of_steps_are_round() -> None:
    assert Range(0.1, 0.5, step=0.1).list_points() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert Range(1, 6, step=2).list_points() == [1, 3, 5]
    assert Range(1, 3).list_points() == [1, 2, 3]
    assert Range(1, 3, log=True).list_points() is None
    assert Range(0.1, 0.5).list_points() is None


def test_grid_has_all_combinations() -> None:
    space: dict[str, Dimension] = {"a": Range(1, 2), "b": Choices(("x", [1, 2]))}
    points = [{"a": a, "b": b} for a in (1, 2) for b in ("x", "[1, 2]")]
    assert list(list_grid(space)) == points


def test_values_keep_their_type() -> None:
    choices = Choices(([128, 64], "[128]", None, 0.5))
    assert [choices.decode(encode(value)) for value in choices.values] == list(choices.values)
    assert type(Range(16, 256, log=True).make_distribution().to_external_repr(17.0)) is int
    assert type(Range(1, 2.5).make_distribution().to_external_repr(2.0)) is float


def test_floats_are_rounded_to_what_dvc_does_not_change() -> None:
    """DVC's parser of round trips rewrites 5.910317077425305e-05 as 5.910317077425304e-05."""
    space = Range(1e-6, 0.123456789, log=True)
    assert space.decode(5.910317077425305e-05) == 5.91032e-05
    assert [space.decode(end) for end in (space.low, space.high)] == [1e-6, 0.123456789]  # not 0.123457
    assert Range(16, 256).decode(17) == 17


def test_parameters_are_formatted_as_yaml() -> None:
    parameters = {"sizes": [1, 2], "a": "b", "lr": 1e-05, "x": 0.1234567, "nesterov": True, "none": None}
    assert format_parameters(parameters) == "sizes=[1, 2] a=b lr=1e-05 x=0.123457 nesterov=true none=null"
