"""The command `dvc-guard run`."""

import os
import sys
from contextlib import chdir, suppress
from pathlib import Path

from dvc_guard.errors import GuardError, to_line

USAGE = """usage: dvc-guard run [--verify] [--resume] COMMAND ...

Run the command of a DVC stage. The exit status is that of the command, or 1 where DVC would record what did not run: a
dependency or parameter changed meanwhile, an output of another stage is damaged, a package has another version than in
versions.yaml, or another experiment runs in the workspace. The command, and all that it started, ends with its dvc.
A change is reported while the command runs; if it is undone before the end, the stage is recorded. Without DVC around
it, it only runs the command.

  --verify  hash all dependencies; without it, only as many as are 40 MB in all, the small ones first
  --resume  give the command a folder that lasts until it has succeeded with the same inputs: $DVC_GUARD_RESUME"""
OPTIONS = ("--verify", "--resume")
MAX_LINES = 20
MAX_LENGTH = 2000


def main(arguments: list[str]) -> int:
    """Run the command in `arguments` and return its exit status."""
    command = list(arguments)
    options = set()
    while command[:1] and command[0] in OPTIONS:
        options.add(command.pop(0))
    if command[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if command[:1] == ["--"]:
        del command[0]
    if not command or command[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 2
    try:
        status = run(command, verify="--verify" in options, resume="--resume" in options)
    except (GuardError, OSError, KeyboardInterrupt) as error:
        report(describe(error))
        status = error.status if isinstance(error, GuardError) else 1
    if status and "DVC_EXP_NAME" in os.environ:
        advise_to_restore()
    return status


def run(command: list[str], *, verify: bool, resume: bool) -> int:
    """Run a command, guarded if DVC started it as a stage; return its exit status."""
    from dvc_guard.run.supervisor import end_with_parent, execute, supervise

    address = os.environ.get("DVC_STAGE")
    if not address:
        execute(command)
    os.environ.pop("PYTHONSAFEPATH", None)  # with it, python -m does not find the modules of the project
    end_with_parent()

    from dvc_guard.run.dvc import find_dvc, find_root
    from dvc_guard.run.inputs import Inputs
    from dvc_guard.run.pipeline import read_pipeline
    from dvc_guard.run.resume import VARIABLE, remove_folder, set_folder
    from dvc_guard.run.versions import check_versions
    from dvc_guard.run.watch import Watch
    from dvc_guard.run.workspace import lock_workspace

    root = find_root()
    dvc = find_dvc(root)
    lock_workspace(root, dvc)
    pipeline = read_pipeline(root, dvc.folder, address)
    check_versions(pipeline.stage)
    inputs = Inputs(pipeline, verify=verify, identify=resume)
    os.environ.pop(VARIABLE, None)  # of a stage that runs dvc
    folder = set_folder(root, inputs, command) if resume else None
    status = supervise(command, dvc.chain, Watch(inputs).poll)
    if status == 0:
        inputs.confirm_unchanged()
        remove_folder(folder)
    return status


def advise_to_restore() -> None:
    """Say that the values of a failed experiment stay, and how to reset them: DVC does neither."""
    from dvc_guard.restore.committed_files import list_blobs
    from dvc_guard.run.dvc import find_root
    from dvc_guard.run.pipeline import PARAMS_YAML
    from dvc_guard.run.versions import VERSIONS_YAML
    from dvc_guard.run.workspace import is_workspace

    with suppress(GuardError, OSError):  # standard error may be closed
        root = find_root()
        with chdir(root):
            blobs = list_blobs("HEAD", [Path(PARAMS_YAML), Path(VERSIONS_YAML)])
            changed = [str(path) for path, blob in blobs.items() if blob.differs()]
        if changed and is_workspace(root):
            stay = f"{', '.join(changed)}: the values of this experiment stay"
            print(f"note: {stay}; to restore the last commit: dvc-guard restore", file=sys.stderr, flush=True)


def describe(error: BaseException) -> str:
    """Describe an error that a user can correct."""
    if isinstance(error, OSError):
        where = f"{os.path.relpath(error.filename)}: " if error.filename else ""
        advice = "; run dvc repro, which creates what is missing" if isinstance(error, FileNotFoundError) else ""
        return f"{where}{error.strerror or error}{advice}"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)


def report(text: str) -> None:
    """Print each line of a text as an error."""
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        lines[MAX_LINES - 1 :] = [f"{len(lines) - MAX_LINES + 1} more errors"]
    with suppress(OSError):  # standard error may be closed
        print("\n".join(to_line(f"error: {line}", MAX_LENGTH) for line in lines), file=sys.stderr, flush=True)
