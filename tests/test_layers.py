"""The levels of the architecture: which folder may import which."""

from pathlib import Path

import pytest

from tests.clone import ROOT
from tests.imports import find_closure, list_imports, list_names

STAGES = sorted(path.parent.name for path in (ROOT / "stages").glob("*/__main__.py"))
ALLOWED = {
    "runtime": ["runtime"],
    "checks": ["checks"],
    "restore": ["restore", "checks"],
    "plots": ["plots"],
    "predict": ["predict"],
    "search": ["search"],
    "stages/shared": ["stages/shared", "runtime"],
    **{f"stages/{stage}": [f"stages/{stage}", "stages/shared", "runtime"] for stage in STAGES},
}
ALLOWED["stages/validate"] += [f"stages/{stage}/parameters.py" for stage in STAGES]


def list_modules(folder: str) -> list[Path]:
    return [path.relative_to(ROOT) for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("folder", ALLOWED)
def test_folder_imports_what_its_level_allows(folder: str) -> None:
    modules = list_modules(folder)
    assert modules
    for module in modules:
        for imported in list_imports(module):
            assert any(imported.is_relative_to(allowed) for allowed in ALLOWED[folder]), f"{module} imports {imported}"


def test_every_module_of_the_stages_has_a_level() -> None:
    modules = list_modules("stages")
    assert modules == sorted(module for folder in ALLOWED if "stages" in folder for module in list_modules(folder))


def test_errors_import_nothing() -> None:
    for folder in ("predict", "restore", "runtime"):
        assert list_names(Path(folder, "errors.py")) == set()


def test_shared_modules_are_used_by_two_stages() -> None:
    closures = [find_closure(Path("stages", stage, "__main__.py")) for stage in STAGES]
    for module in list_modules("stages/shared"):
        assert sum(module in closure for closure in closures) >= 2, module


def test_main_modules_are_not_imported() -> None:
    folders = ("bench", "checks", "plots", "predict", "restore", "runtime", "search", "stages", "tests")
    for module in (module for folder in folders for module in list_modules(folder)):
        assert not [path for path in list_imports(module) if path.name == "__main__.py"], module
