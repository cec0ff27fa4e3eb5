from pathlib import Path

import pytest

from tests.conftest import FailStage, RunStage, SetParameters

VALID = Path("data/parameters.valid")


@pytest.fixture(autouse=True)
def not_validated(project: Path) -> None:
    """Remove the output of the stage."""
    VALID.unlink()


def test_accepts_defaults(run_stage: RunStage) -> None:
    run_stage("validate")
    assert VALID.read_text() == "params.yaml is valid\n"


@pytest.mark.parametrize("changes", [{"lr": 0.02}, {"dataset": "digits", "validation_size": 150}, {"patience": 3}])
def test_output_is_constant(set_parameters: SetParameters, run_stage: RunStage, changes: dict[str, object]) -> None:
    run_stage("validate")
    written = VALID.read_bytes()
    set_parameters(**changes)
    run_stage("validate")
    assert VALID.read_bytes() == written


def test_does_not_write_through_link_into_cache(project: Path, run_stage: RunStage) -> None:
    (project / "cached").write_text("cached")
    VALID.symlink_to(project / "cached")
    run_stage("validate")
    assert (project / "cached").read_text() == "cached"
    assert not VALID.is_symlink()


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
def test_rejects_wrong_parameters(
    set_parameters: SetParameters, fail_stage: FailStage, changes: dict[str, object], message: str
) -> None:
    set_parameters(**changes)
    assert fail_stage("validate").startswith(f"params.yaml: {message}")
    assert not VALID.exists()
