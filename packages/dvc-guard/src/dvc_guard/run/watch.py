"""Tell, while a stage runs, that an input was changed: at its end, that would throw the whole run away.

A check costs a stat of each dependency, and of some files of each folder: those of a large one take several checks.
Contents are compared only where the status has changed.
"""

import os
from collections import defaultdict
from contextlib import suppress
from itertools import cycle, islice

from dvc_guard.errors import GuardError, to_line
from dvc_guard.run.files import Stat, read_stat
from dvc_guard.run.inputs import Inputs, advise

FILES = 20  # of a folder, in each check
ADVICE = (
    "nothing will be recorded unless its content is restored before the stage ends; "
    "to edit during a run, run with --temp or in the queue"
)
CLEAR_LINE = "\r\x1b[K"  # of a progress bar, which is drawn again below
MAX_LENGTH = 2000


class Watch:
    """Watches the inputs of a stage."""

    def __init__(self, inputs: Inputs) -> None:
        """Begin with the inputs as they were when `inputs` was made."""
        self.inputs = inputs
        self.change: str | None = None
        self.has_news = False
        files: dict[str, Stat | None] = {inputs.stage.locate(path): state.stat for path, state in inputs.files.items()}
        folders = tuple(f"{inputs.stage.locate(dep)}/" for dep in inputs.deps)
        # A file that is added, removed or replaced changes the status of its folder.
        parents = {os.path.split(path)[0] for path in files if path.startswith(folders)}
        self.stats = {path: _read(path) for path in parents | inputs.list_parameter_files()} | files
        groups: defaultdict[str, list[str]] = defaultdict(list)  # each dependency, with its files
        for path in self.stats:
            groups[next(filter(path.startswith, folders), path)].append(path)
        self.rounds = [(cycle(group), min(len(group), FILES)) for group in groups.values()]

    def poll(self) -> None:
        """Print a line if an input was changed, or has its first content again.

        The contents are compared one call after a status has changed: then an editor has written the whole file.
        """
        had_news, self.has_news = self.has_news, False
        for paths, count in self.rounds:
            for path in islice(paths, count):
                if self.stats[path] != (stat := _read(path)):
                    self.stats[path] = stat
                    self.has_news = True
        if had_news:
            change = self._find_change()
            if change and change != self.change:
                _report(f"{change}; {ADVICE}{advise(change)}")
            elif self.change and not change:
                _report("all inputs have their first content again; the stage will be recorded")
            self.change = change

    def _find_change(self) -> str | None:
        try:
            return self.inputs.find_change("runs")
        except FileNotFoundError as error:
            return f"{os.path.relpath(error.filename)}: removed"
        except (GuardError, OSError) as error:
            return str(error)


def _read(path: str) -> Stat | None:
    try:
        return read_stat(path)
    except OSError:
        return None


def _report(text: str) -> None:
    start = CLEAR_LINE if os.isatty(2) else ""
    with suppress(OSError):  # standard error may be closed
        os.write(2, f"{start}{to_line(f'warning: {text}', MAX_LENGTH)}\n".encode())
