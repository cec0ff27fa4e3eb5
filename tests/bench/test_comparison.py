import pytest

from bench.comparison import Row, compare, compare_accuracies, compute_ratio, format_number, to_markdown


def test_compute_ratio() -> None:
    ratio = compute_ratio([1, 2, 9], [4, 20, 10])
    assert ratio.of_medians == 2 / 10
    assert ratio.smallest == 2 / 20
    assert ratio.largest == 9 / 10


def test_compute_ratio_rejects_different_lengths() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compute_ratio([1, 2], [1])


@pytest.mark.parametrize(("at_most", "met"), [(0.4, "yes"), (0.399, "**no**")])
def test_compare_with_target(at_most: float, met: str) -> None:
    row = compare("a against b", [4, 4, 5], [10, 11, 10], "s", at_most)
    assert row == Row("a against b", "4.00 s", "10.0 s", "0.400 (0.364 to 0.500)", f"at most {at_most}", met)


def test_compare_without_target() -> None:
    assert compare("a against b", [4], [10], "s")[-2:] == ("", "")


@pytest.mark.parametrize(
    ("accuracies", "met"), [([0.94, 0.951], "yes"), ([0.90, 0.949], "**no**"), ([0.97, 0.98], "**no**")]
)
def test_compare_accuracies(accuracies: list[float], met: str) -> None:
    row = compare_accuracies("accuracy", accuracies, [0.95, 0.96])
    assert row.reference == "95.50% ± 0.71%"
    assert row.met == met


@pytest.mark.parametrize(
    ("value", "text"), [(0.01234, "0.0123"), (1, "1.00"), (12.34, "12.3"), (123.4, "123"), (1882.4, "1,882")]
)
def test_format_number(value: float, text: str) -> None:
    assert format_number(value) == text


def test_to_markdown() -> None:
    assert to_markdown([compare("a", [1], [2], "s", 0.4), compare("b", [1], [2], "MB")]) == (
        "| what | measured | reference | ratio (min to max) | target | met? |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| a | 1.00 s | 2.00 s | 0.500 (0.500 to 0.500) | at most 0.4 | **no** |\n"
        "| b | 1.00 MB | 2.00 MB | 0.500 (0.500 to 0.500) |  |  |\n"
    )
