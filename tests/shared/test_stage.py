import errno
import subprocess
import sys

import pytest

from stages.shared import stage
from stages.shared.stage import StageError
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("fault", "message", "status"),
    [
        (StageError("params.yaml: lr: 0 is not allowed"), "error: params.yaml: lr: 0 is not allowed", 1),
        (StageError("one\ntwo", status=3), "error: one\nerror: two", 3),
        (FileNotFoundError(errno.ENOENT, "No such file", "data/raw/x"), "error: data/raw/x: no such file; run dvc", 1),
        (OSError(errno.ENOSPC, "No space left on device"), "error: No space left on device", 1),
        (PermissionError(errno.EACCES, "Permission denied", "models"), "error: models: Permission denied", 1),
        (KeyboardInterrupt(), "error: interrupted", 1),
    ],
)
def test_a_users_fault_ends_in_its_lines(fault: BaseException, message: str, status: int) -> None:
    program = f"from stages.shared.stage import *\ndef main(): raise {rebuild(fault)}\nrun(main)"
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == status
    assert process.stderr.startswith(message)
    assert process.stderr.count("\n") == message.count("\n") + 1


def rebuild(fault: BaseException) -> str:
    """Write a fault as the expression that makes it."""
    if isinstance(fault, OSError) and fault.filename:
        return f"{type(fault).__name__}({fault.errno}, {fault.strerror!r}, {fault.filename!r})"
    if isinstance(fault, StageError):
        return f"StageError({str(fault)!r}, status={fault.status})"
    return repr(fault)


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    def main() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage.run(main)
