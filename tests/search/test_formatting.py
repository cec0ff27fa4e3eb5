from search.formatting import format_parameters, format_value


def test_formats_values_as_yaml() -> None:
    values = [0.1234567, 1e-5, 3, True, None, "adam", "[128, 64]"]
    assert [format_value(value) for value in values] == ["0.123457", "1e-05", "3", "true", "null", "adam", "[128, 64]"]


def test_parameters_are_one_line() -> None:
    parameters = {"sizes": [1, 2], "name": "a", "lr": 1e-05, "nesterov": True}
    assert format_parameters(parameters) == "sizes=[1, 2] name=a lr=1e-05 nesterov=true"
