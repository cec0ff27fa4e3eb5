"""What trials have printed, in .dvc/tmp/search/logs: on the machine where they ran, and where the search runs."""

import sys
from collections.abc import Sequence
from pathlib import Path

from dvc_search.errors import SearchError
from dvc_search.lock import FOLDER

FOLDER_OF_LOGS = "logs"
MAX_BYTES = 100_000  # of its end, that the search gets


def find_log(folder: Path, name: str) -> Path:
    """Return the path of the log of a trial; `folder` is that of all searches on this machine."""
    (folder / FOLDER_OF_LOGS).mkdir(parents=True, exist_ok=True)
    return folder / FOLDER_OF_LOGS / f"{name}.log"


def read_end(path: Path) -> str:
    """Return the end of a log, or nothing if there is none."""
    return path.read_bytes()[-MAX_BYTES:].decode(errors="replace") if path.exists() else ""


def store_log(name: str, text: str) -> None:
    """Store the end of the log of a trial, unless the trial ran here."""
    path = find_log(FOLDER, name)
    if text and read_end(path) != text:
        path.write_text(text, encoding="utf-8")


def show_logs(names: Sequence[str]) -> int:
    """Print the logs of trials; return the exit status.

    Raises:
        SearchError: there is none of one of the names.
    """
    if not names or names[0].startswith("-"):
        print("usage: dvc-search log NAME-NUMBER ...", file=sys.stderr)
        return 2
    logs = sorted((FOLDER / FOLDER_OF_LOGS).glob("*.log"))
    for name in names:
        found = [path for path in logs if path.stem == name]
        found = found or [path for path in logs if path.stem.rpartition("-")[0] == name]  # of `repeat`
        if not found:
            raise SearchError(f"there is no log of {name}; a trial of another machine has one here when it has ended")
        for path in found:
            print(f"==> {path} <==\n{path.read_text(encoding='utf-8', errors='replace')}")
    return 0
