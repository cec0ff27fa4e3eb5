import pytest

from bench.comparison import Row, compare, compare_accuracies, compute_ratio, shorten, to_markdown


def test_the_ratio_is_of_the_medians_and_its_range_of_the_pairs() -> None:
    ratio = compute_ratio([1, 2, 9], [4, 20, 10])
    assert ratio.of_medians == 2 / 10
    assert ratio.smallest == 2 / 20
    assert ratio.largest == 9 / 10


def test_what_is_not_paired_is_not_compared() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compute_ratio([1, 2], [1])


@pytest.mark.parametrize(("at_most", "met"), [(0.4, "yes"), (0.399, "**no**")])
def test_a_row_says_whether_the_target_is_met(at_most: float, met: str) -> None:
    row = compare("a against b", [4, 4, 5], [10, 11, 10], "s", at_most)
    assert row == Row("a against b", "4.00 s", "10.0 s", "0.400 (0.364 to 0.500)", f"at most {at_most}", met)


def test_a_row_may_have_no_target() -> None:
    assert compare("a against b", [4], [10], "s")[-2:] == ("", "")


@pytest.mark.parametrize(("ours", "met"), [([0.94, 0.951], "yes"), ([0.90, 0.949], "**no**"), ([0.97, 0.98], "**no**")])
def test_accuracies_are_the_same_where_their_ranges_overlap(ours: list[float], met: str) -> None:
    row = compare_accuracies("accuracy", ours, [0.95, 0.96])
    assert row.other == "95.50% ± 0.71%"
    assert row.met == met


@pytest.mark.parametrize(
    ("value", "text"), [(0.01234, "0.0123"), (1, "1.00"), (12.34, "12.3"), (123.4, "123"), (1882.4, "1,882")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert shorten(value) == text


def test_the_table_is_markdown() -> None:
    assert to_markdown([compare("a", [1], [2], "s", 0.4), compare("b", [1], [2], "MB")]) == (
        "| what | ours | other | ratio (min to max) | target | met? |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| a | 1.00 s | 2.00 s | 0.500 (0.500 to 0.500) | at most 0.4 | **no** |\n"
        "| b | 1.00 MB | 2.00 MB | 0.500 (0.500 to 0.500) |  |  |\n"
    )
