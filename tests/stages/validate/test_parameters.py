import pytest

from runtime.errors import StageError
from stages.validate.parameters import check_keys
from tests.conftest import RunStage, SetParameters


def test_lists_allowed_keys_if_none_is_similar(
    set_parameters: SetParameters, run_stage: RunStage, capsys: pytest.CaptureFixture[str]
) -> None:
    set_parameters(zzz=1, yyy=2)
    with pytest.raises(StageError) as error:
        check_keys()
    lines = str(error.value).splitlines()
    assert [line.partition(" allowed keys are augment, batch_size, ")[0] for line in lines] == [
        *("params.yaml: zzz: unknown key;", "params.yaml: yyy: unknown key;")
    ]
    with pytest.raises(SystemExit):
        run_stage("validate")
    assert capsys.readouterr().err.splitlines() == [f"error: {line}" for line in lines]
