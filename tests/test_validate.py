from pathlib import Path

import pytest

from stages import validate
from stages.shared.stage import StageError
from tests.conftest import SetParameters


def test_the_defaults_are_valid(project: Path) -> None:
    validate.main()
    assert validate.VALID.read_text() == "params.yaml holds what every stage allows.\n"


@pytest.mark.parametrize("changes", [{"lr": 0.02}, {"dataset": "digits", "validation_size": 150}, {"patience": 3}])
def test_what_is_written_is_always_the_same(set_parameters: SetParameters, changes: dict[str, object]) -> None:
    validate.main()
    written = validate.VALID.read_bytes()
    set_parameters(**changes)
    validate.main()
    assert validate.VALID.read_bytes() == written


def test_a_link_into_the_cache_is_not_written_through(project: Path) -> None:
    (project / "data").mkdir()
    (project / "cached").write_text("as it was")
    validate.VALID.symlink_to(project / "cached")
    validate.main()
    assert (project / "cached").read_text() == "as it was"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "mnits"}, "dataset: 'mnits' is not allowed; it must be mnist, fashion_mnist, kmnist or digits"),
        ({"std": 0}, "std: 0 is not allowed; it must be a number from 0.000001 to 1000000"),
        ({"lr": 0}, "lr: 0 is not allowed; it must be a number greater than 0, at most 1000"),
        ({"momentun": 0.9}, "momentun: unknown key; did you mean momentum?"),
        ({"validation_size": 9}, "validation_size: 9 is not allowed; it must be 0, or from 10 to 59990, "),
        ({"dataset": "digits"}, "validation_size: 5000 is not allowed; it must be 0, or from 10 to 1490, "),
        ({"patience": 3, "validation_size": 0}, "patience: 3 is not allowed where validation_size is 0"),
    ],
)
def test_what_is_not_allowed_is_refused_in_one_line(
    set_parameters: SetParameters, changes: dict[str, object], message: str
) -> None:
    set_parameters(**changes)
    with pytest.raises(StageError) as error:
        validate.main()
    assert str(error.value).startswith(f"params.yaml: {message}")
    assert "\n" not in str(error.value)
    assert not validate.VALID.exists()


def test_an_unknown_key_like_no_other_is_answered_with_all_that_are_known(set_parameters: SetParameters) -> None:
    set_parameters(zzz=1, yyy=2)
    with pytest.raises(StageError) as error:
        validate.main()
    lines = str(error.value).splitlines()
    assert [line.partition(" allowed are augment, batch_size, ")[0] for line in lines] == [
        *("params.yaml: zzz: unknown key;", "params.yaml: yyy: unknown key;")
    ]
