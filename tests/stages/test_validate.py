from pathlib import Path

import pytest

from tests.stages.conftest import FailStage, RunStage, SetParameters

VALID = Path("data/parameters.valid")


def test_output_is_constant(set_parameters: SetParameters, run_stage: RunStage) -> None:
    for changes in ({}, {"dataset": "digits", "validation_size": 150}):
        set_parameters(**changes)
        run_stage("validate")
        assert VALID.read_text() == "params.yaml is valid\n"


def test_does_not_write_through_link_into_cache(project: Path, run_stage: RunStage) -> None:
    (project / "cached").write_text("cached")
    VALID.symlink_to(project / "cached")
    run_stage("validate")
    assert (project / "cached").read_text() == "cached"
    assert not VALID.is_symlink()


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("zzz", "zzz"),
        (r'"a\nb"', r"a\nb"),
        (r'"a\x1b[31m\u2028\u202e\x85"', r"a\x1b[31m\u2028\u202e\x85"),
        (r'"\ud800"', r"\ud800"),
        (f"? {'k' * 5000}\n", f"{'k' * 57}..."),
        (f"? {'9' * 5000}\n", f"{'9' * 57}..."),
        ("2024-13-45", "2024-13-45"),
        ("~", "None"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_names_unknown_key(project: Path, fail_stage: FailStage, written: str, shown: str) -> None:
    with (project / "params.yaml").open("a") as file:
        file.write(f"{written}: 1\n")
    advice = "remove it, or add it to the class of its stage in stages/shared/parameters.py"
    assert fail_stage("validate") == f"params.yaml: {shown}: unknown key; {advice}"
    assert not VALID.exists()


def test_suggests_similar_key(set_parameters: SetParameters, fail_stage: FailStage) -> None:
    set_parameters(momentun=0.9)
    assert fail_stage("validate") == "params.yaml: momentun: unknown key; did you mean momentum?"


def test_names_all_unknown_keys(
    set_parameters: SetParameters, run_stage: RunStage, capsys: pytest.CaptureFixture[str]
) -> None:
    set_parameters(zzz=1, yyy=2)
    with pytest.raises(SystemExit):
        run_stage("validate")
    assert [line.partition("; ")[0] for line in capsys.readouterr().err.splitlines()] == [
        *("error: params.yaml: zzz: unknown key", "error: params.yaml: yyy: unknown key")
    ]
