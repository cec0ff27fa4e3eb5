"""The folder of all searches, and the lock of each: one process runs a search at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc_search.errors import SearchError

FOLDER = Path(".dvc/tmp/search")


@contextmanager
def lock_search(name: str) -> Iterator[None]:
    """Hold the lock of a search on this machine.

    Raises:
        SearchError: another process holds it, or the project cannot be written.
    """
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        lock = (FOLDER / f"{name}.lock").open("a+")
    except OSError as error:
        raise SearchError(f"{FOLDER.absolute()} cannot be written ({error.strerror}); search in a copy") from None
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise SearchError(f"search {name} is running already (PID {file.read()}); wait for it or stop it") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
