"""Entries of DVC's run cache: dependencies, parameters and outputs of earlier runs, which `dvc repro` restores."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.schema import COMPILED_LOCK_FILE_STAGE_SCHEMA
from dvc.utils import dict_sha256
from dvc.utils.serialize import load_yaml
from voluptuous import Invalid

NOT_HASHED = ["size", "nfiles"]


def list_entries(repo: Repo) -> Iterator[Path]:
    """Yield the path of each entry, and of each folder without an entry, which `dvc repro` cannot read.

    The path of an entry is two hashes: of the command with its dependencies, parameters and the paths of its outputs,
    and of all of that with the hashes of the outputs.
    """
    for folder in sorted(Path(repo.stage_cache.cache_dir).glob("??/*")):
        entries = sorted(folder.iterdir()) if folder.is_dir() else [folder]
        yield from entries or [folder]


def is_damaged(entry: Path) -> bool:
    """Return whether an entry is not a file that can be read, or does not match its hashes."""
    if not entry.is_file():
        return True
    try:
        content = COMPILED_LOCK_FILE_STAGE_SCHEMA(load_yaml(str(entry)))
        value = dict_sha256(content, exclude=NOT_HASHED)
        key = dict_sha256(content | {"outs": [out["path"] for out in content.get("outs", [])]}, exclude=NOT_HASHED)
    except (DvcException, Invalid, OSError, ValueError):
        return True
    return (key, value) != (entry.parent.name, entry.name)


def remove(entry: Path) -> None:
    """Remove an entry, and its folder if no other entry is in it."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
    with suppress(OSError):  # it is not empty
        entry.parent.rmdir()
