import sys
from pathlib import Path

import dvc
import pytest

from search.node import list_differences, list_requirements

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_requires_versions_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert list_requirements().keys() == {"Python", "dvc", "distributed"}
    Path("versions.yaml").write_text('numpy: "1.2"\n')
    assert list_requirements() | {"distributed": ""} == {
        "Python": PYTHON,
        "dvc": dvc.__version__,
        "distributed": "",
        "numpy": "1.2",
    }


def test_describes_differences() -> None:
    required = {"Python": "2.7", "dvc": f"{dvc.__version__}+local", "no-such-package": "1"}
    assert list_differences(required) == [f"Python {PYTHON} instead of 2.7", "no-such-package none instead of 1"]
