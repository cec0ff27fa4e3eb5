"""A stage as an ordinary program: `run` at the end of each stage's file. It needs neither DVC nor dvc-guard."""

import argparse
import os
import sys
from collections.abc import Callable
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from stages.shared.errors import StageError, errors_in_lines
from stages.shared.parameters import PARAMS_YAML, AnyParameters, StageParameters, read_parameters
from stages.shared.yaml_file import read_yaml_mapping

Stages = dict[str, dict[str, Any]]

DVC_YAML = Path("dvc.yaml")
LEFT_OUT = "stages.shared.parameters"  # of deps, with what only it imports: it rejects values, and DVC compares them


def run(
    name: str,
    main: Callable[[AnyParameters], None],
    kind: type[AnyParameters],
    probe: Callable[[AnyParameters], None] | None = None,
) -> None:
    """Call `main` with the parameters of class `kind`, as the program of the stage `name`.

    With `--probe` on the command line, `probe` is called instead, where there is one. Where the user can correct an
    error, it is printed without a traceback, and the exit status is not 0.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m stages.{name}",
        description=sys.modules[main.__module__].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(main=main)
    if probe:
        parser.add_argument("--probe", dest="main", action="store_const", const=probe, help=probe.__doc__)
    arguments = parser.parse_args()
    with errors_in_lines():
        stages = read_stages()
        check_params(stages, name, kind)
        check_deps(stages, name)
        arguments.main(read_parameters(kind))


def read_stages() -> Stages:
    """Read the stages of dvc.yaml."""
    stages: Stages = read_yaml_mapping(DVC_YAML).get("stages", {})
    return stages


def check_params(stages: Stages, name: str, kind: type[StageParameters]) -> None:
    """Compare the keys of `kind` with the `params` of the stage `name` in dvc.yaml.

    DVC would not run the stage again for a key that is missing there. A stage whose dependency is params.yaml, all of
    it, lists no keys.

    Raises:
        StageError: one line for each key that only one of the two has.
    """
    stage = stages.get(name)
    if stage is None:
        raise StageError(f"{DVC_YAML}: stages: {name}: missing")
    if str(PARAMS_YAML) in stage.get("deps", []):
        return
    listed = {key for key in stage.get("params", []) if isinstance(key, str)}  # mappings are of other files
    where = f"{DVC_YAML}: stages: {name}: params"
    fields = kind.model_fields.keys()
    lines = [f"{where}: {key}: missing; DVC would not run the stage again for it" for key in sorted(fields - listed)]
    lines += [f"{where}: {key}: not allowed; {kind.__name__} does not have it" for key in sorted(listed - fields)]
    if lines:
        raise StageError("\n".join(lines))


def check_deps(stages: Stages, name: str) -> None:
    """Compare the modules of the project that the stage `name` imports, also within functions, with its `deps`.

    DVC would not run the stage again for a change of one that is missing there.

    Raises:
        StageError: one line for each module that is missing.
    """
    finder = ModuleFinder(path=[str(Path.cwd())], excludes=[LEFT_OUT])
    finder.run_script(f"stages/{name}.py")
    paths = [Path(file) for module in finder.modules.values() if (file := getattr(module, "__file__", None))]
    files = sorted(os.path.relpath(path) for path in paths if path.name != "__init__.py")
    deps = stages[name].get("deps", [])
    where = f"{DVC_YAML}: stages: {name}: deps"
    lines = [
        f"{where}: {file}: missing; DVC would not run the stage again for it"
        for file in files
        if not any(Path(file).is_relative_to(dep) for dep in deps)
    ]
    if lines:
        raise StageError("\n".join(lines))
