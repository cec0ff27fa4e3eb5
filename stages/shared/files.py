"""The files between the stages: damaged ones are noticed, and what cannot be written is named."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from stages.shared.stage import StageError
from stages.shared.yaml_mapping import read_yaml_mapping

DVC_LOCK = Path("dvc.lock")


def check_undamaged(*paths: Path) -> None:
    """Compare the MD5 of outputs of earlier stages with what dvc.lock says of them.

    DVC takes what lies in its cache for good, so a damaged file can come back from there. Files that dvc.lock does not
    name pass, and all do where it is absent.

    Raises:
        StageError: a file is not the one that its stage wrote.
    """
    written = {out["path"]: out.get("md5") for stage in read_lock().values() for out in stage.get("outs", [])}
    for path in paths:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "md5").hexdigest()
        if digest != written.get(path.as_posix(), digest):
            raise StageError(
                f"{path}: is not the file that its stage wrote, by its MD5 in {DVC_LOCK}; "
                "to make it anew: python -m checks cache --repair && dvc repro"
            )


def read_lock() -> dict[str, dict[str, Any]]:
    """Read what dvc.lock says of each stage; nothing where it is absent."""
    stages: dict[str, dict[str, Any]] = read_yaml_mapping(DVC_LOCK).get("stages", {}) if DVC_LOCK.exists() else {}
    return stages


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make the folder of `path`, and name the file if it cannot be written.

    Raises:
        StageError: the disk is full, or whatever else is in the way.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except (OSError, SafetensorError, sqlite3.Error) as error:  # sqlite3: DVCLive opens a database of DVC's
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise StageError(
            f"{path}: cannot be written: {reason}; make room, or mend what it says, then dvc repro"
        ) from None
