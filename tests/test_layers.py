"""Which part of the project may import which."""

from pathlib import Path

import pytest

from tests.clone import ROOT
from tests.imports import list_imports, list_modules, list_names

PIPELINE = {"stages", "predict", "bench", "docs", "tests"}
FORBIDDEN = {
    "stages": {"predict", "bench", "docs", "tests", "dvc_guard", "dvc_search"},
    "predict": {"stages", "bench", "docs", "tests", "dvc_guard", "dvc_search"},
    "packages/dvc-guard": PIPELINE | {"dvc_search"},
    "packages/dvc-search": PIPELINE | {"dvc_guard"},
}
DATA = "predict.rules"  # constants, which export writes into its page


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_nothing_of_the_others(folder: str) -> None:
    modules = list_modules(folder)
    assert modules
    for module in modules:
        names = {name for name in list_names(module) if not name.startswith(DATA)}
        assert not {name.partition(".")[0] for name in names} & FORBIDDEN[folder], module


def test_stages_do_not_import_each_other() -> None:
    stages = {path.relative_to(ROOT) for path in (ROOT / "stages").glob("*.py")} - {Path("stages/__init__.py")}
    assert len(stages) > 1
    for module in list_modules("stages"):
        assert not list_imports(module) & stages, module


def test_init_modules_of_the_stages_are_docstrings() -> None:
    """They are no deps of a stage."""
    for path in ("stages/__init__.py", "stages/shared/__init__.py"):
        assert (ROOT / path).read_text().count('"""') == 2
        assert (ROOT / path).read_text().rstrip().endswith('"""')
