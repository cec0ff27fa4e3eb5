from pathlib import Path

import pytest

from tests.stages.conftest import FailStage, RunStage, SetParameters

VALID = Path("data/parameters.valid")


def test_output_is_constant(run_stage: RunStage, project: Path) -> None:
    run_stage("validate")
    assert (project / VALID).read_text() == "params.yaml is valid\n"


def test_does_not_write_through_link_into_cache(project: Path, run_stage: RunStage) -> None:
    (project / "cached").write_text("cached")
    VALID.symlink_to(project / "cached")
    run_stage("validate")
    assert (project / "cached").read_text() == "cached"
    assert not VALID.is_symlink()


@pytest.mark.parametrize(
    ("written", "shown"),
    [("zzz", "zzz"), (r'"a\x1b[31m\n"', r"a\x1b[31m\n"), (f"? {'k' * 5000}\n", f"{'k' * 57}..."), ("~", "None")],
    ids=["name", "control", "long", "null"],
)
def test_names_unknown_key(project: Path, fail_stage: FailStage, written: str, shown: str) -> None:
    with (project / "params.yaml").open("a") as file:
        file.write(f"{written}: 1\n")
    advice = "remove it, or add it to the class of its stage in stages/shared/parameters.py"
    assert fail_stage("validate") == f"params.yaml: {shown}: unknown key; {advice}"
    assert not VALID.exists()


def test_suggests_similar_key_and_names_all(
    set_parameters: SetParameters, run_stage: RunStage, capsys: pytest.CaptureFixture[str]
) -> None:
    set_parameters(momentun=0.9, zzz=1)
    with pytest.raises(SystemExit):
        run_stage("validate")
    first, second = capsys.readouterr().err.splitlines()
    assert first == "error: params.yaml: momentun: unknown key; did you mean momentum?"
    assert second.startswith("error: params.yaml: zzz: unknown key; ")
