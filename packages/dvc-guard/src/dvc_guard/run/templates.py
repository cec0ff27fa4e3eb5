"""Stages of a dvc.yaml with `${}`, `foreach` or `matrix`, resolved by DVC."""

import logging
from pathlib import Path

from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.stage import PipelineStage

from dvc_guard.errors import GuardError
from dvc_guard.run.pipeline import Stage


def resolve_stages(root: Path, file: Path) -> dict[str, Stage]:
    """Return the stages of a dvc.yaml by name.

    Raises:
        GuardError: DVC cannot resolve them.
    """
    logging.getLogger("dvc").setLevel(logging.ERROR)  # the dvc that runs the stage has warned already
    try:
        with Repo(str(root)) as repo:
            return {stage.name: _convert(stage) for stage in repo.stage.load_file(str(file))}
    except DvcException as error:
        raise GuardError(str(error)) from None


def _convert(stage: PipelineStage) -> Stage:
    params = {dep.def_path: dep.params for dep in stage.deps if isinstance(dep, ParamsDependency)}
    deps = [dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    return Stage(Path(stage.wdir), deps, params, [out.def_path for out in stage.outs])
