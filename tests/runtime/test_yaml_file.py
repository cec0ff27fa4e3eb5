import pytest

from runtime.yaml_file import shorten


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (["a", 1], "['a', 1]"),
        ("x" * 58, f"'{'x' * 58}'"),
        ("x" * 59, f"'{'x' * 56}..."),
        ({"a": "b\n  c"}, "{'a': 'b\\n c'}"),
    ],
)
def test_shortens_value_to_60_characters(value: object, shown: str) -> None:
    assert shorten(value) == shown
    assert len(shorten(value)) <= 60
