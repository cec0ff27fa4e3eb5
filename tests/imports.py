"""The imports between the modules of the project, read from their syntax trees."""

import ast
import sys
from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.clone import ROOT

FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}


def list_modules(folder: str) -> list[Path]:
    """List the modules in a folder of the project, as paths from its root."""
    return [path.relative_to(ROOT) for path in sorted((ROOT / folder).rglob("*.py"))]


def list_names(path: Path) -> set[str]:
    """List the dotted names that a module imports anywhere: of modules, and of what is imported from them."""
    names: set[str] = set()
    for node in _walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            folder = list(path.parts[: -node.level] if node.level else ())
            module = ".".join([*folder, *([node.module] if node.module else [])])
            names |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return names


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree, without what is imported for type checking alone."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _walk(child)


def list_imports(path: Path) -> set[Path]:
    """List the modules of the project that a module imports, as paths from its root."""
    candidates = {Path(*name.split(".")).with_suffix(".py") for name in list_names(path)}
    return {candidate for candidate in candidates if candidate.parts[0] in FOLDERS and (ROOT / candidate).exists()}


def find_closure(path: Path, without: Collection[Path] = ()) -> set[Path]:
    """List the modules of the project that a module imports, directly or not, and itself; no imports by `without`."""
    closure: set[Path] = set()
    pending = {path}
    while pending:
        closure |= pending
        pending = {imported for file in pending for imported in list_imports(file)} - closure - set(without)
    return closure


def list_distributions(paths: Iterable[Path]) -> set[str]:
    """List the distributions, such as scikit-learn, that modules of the project import."""
    names = {name.partition(".")[0] for path in paths for name in list_names(path)}
    third_party = names - sys.stdlib_module_names - FOLDERS
    distributions = packages_distributions()
    return {distribution for name in third_party for distribution in distributions[name]}
