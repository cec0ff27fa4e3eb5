import sys
from pathlib import Path

import pytest

from dvc_search.errors import SearchError
from dvc_search.git import git
from dvc_search.repository import Source
from dvc_search.validation import validate_values
from searches import configure, make_space

VALIDATE = """import pathlib, sys
text = pathlib.Path("params.yaml").read_text()
if "lr: 9" in text or "- 0" in text or "epochs: 0" in text:
    sys.exit("error: params.yaml: not allowed")
"""
PARAMETERS = "# A comment.\nlr: 0.1\ntrain:\n  sizes:\n  - 1\nepochs: 1\n"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMETERS)
    Path("validate.py").write_text(VALIDATE)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "--quiet", "--message", "Begin")
    return Source(git(tmp_path, "rev-parse", "HEAD"), str(tmp_path), "", ("T", "t@localhost"), "")


def test_allows_values(source: Source) -> None:
    space = make_space(lr={"low": 0.1, "high": 8}, **{"train.sizes": [[1, 2], [3]]})
    validate_values(configure(validate=f"{sys.executable} validate.py", space=space), source)
    assert Path("params.yaml").read_text() == PARAMETERS
    assert git(Path(), "status", "--porcelain") == ""


def test_names_each_value_that_is_refused(source: Source) -> None:
    space = make_space(epochs={1: {"lr": {"low": 1, "high": 9}}, 2: {}}, **{"train.sizes": [[1, 0], [3]]})
    with pytest.raises(SearchError) as caught:
        validate_values(configure(validate="python validate.py", space=space, path=Path("other.yaml")), source)
    assert str(caught.value).split("\n") == [
        "other.yaml: space: lr: 9 is refused: params.yaml: not allowed",
        "other.yaml: space: train.sizes: [1, 0] is refused: params.yaml: not allowed",
    ]


def test_names_fixed_values_once(source: Source) -> None:
    with pytest.raises(SearchError) as caught:
        validate_values(configure(validate="python validate.py", space=make_space(epochs=0, lr=[1, 2])), source)
    error = "search.yaml: space: the values without a list or range: params.yaml: not allowed"
    assert str(caught.value) == error


def test_names_command_that_cannot_be_run(source: Source) -> None:
    with pytest.raises(SearchError, match=r"^search\.yaml: validate: no-such-program: No such file or directory$"):
        validate_values(configure(validate="no-such-program"), source)
