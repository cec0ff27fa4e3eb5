"""The page of a search: figures and a table of all trials, in one HTML file that needs no network."""

import contextlib
import time
from collections import Counter
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template

from optuna.trial import FrozenTrial
from plotly.offline import get_plotlyjs

from dvc_search.configuration import Configuration
from dvc_search.errors import SearchError
from dvc_search.figures import draw_figures
from dvc_search.lock import FOLDER
from dvc_search.repository import Source
from dvc_search.study import Study
from dvc_search.table import Table
from dvc_search.values import format_parameters

SECONDS = 5.0  # from one writing of the page to the next, and from one reload to the next
MAX_SHARE = 0.05  # of the time of the search that may be spent on its page
TEMPLATE = Path(__file__).with_name("page.html")


class Page:
    """The page of a search, .dvc/tmp/search/NAME.html, which is written again while the search runs.

    Attributes:
        experiments: names of those that there are, once all trials have ended; the user may have removed some.
        path: the file.
    """

    def __init__(self, configuration: Configuration, study: Study, source: Source) -> None:
        """Show the trials of `study`, whose experiments are based on the commit of `source`."""
        self._configuration = configuration
        self._study = study
        self._source = source
        self._due = 0.0
        self._keys = [metric.key for metric in configuration.metrics]
        self.experiments: set[str] | None = None
        self.path = (FOLDER / f"{configuration.name}.html").absolute()

    def update(self) -> None:
        """Write the page of a running search, unless that was done a moment ago; an error can wait for its end."""
        if time.monotonic() >= self._due:
            with contextlib.suppress(SearchError):
                self.write(is_running=True)

    def write(self, *, is_running: bool) -> None:
        """Write the page.

        Raises:
            SearchError: it cannot be written.
        """
        start = time.monotonic()
        text = self.make(is_running=is_running)
        temporary = self.path.with_suffix(".html.tmp")  # a browser may read the page now
        try:
            FOLDER.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self.path)
        except OSError as error:
            raise SearchError(f"{self.path}: cannot be written: {error.strerror}") from None
        finally:
            end = time.monotonic()
            self._due = end + max(SECONDS, (end - start) / MAX_SHARE)

    def make(self, *, is_running: bool) -> str:
        """Return the HTML of the page; that of a running search reloads itself."""
        trials = self._study.list_counted()
        table = Table(self._configuration, self._study, self._source, self.experiments)
        figures = draw_figures(self._study.list_trials(), self._configuration.directions, self._keys)
        lines = self._summarize(trials, table)
        if is_running:
            lines.append(f"This page was written at {datetime.now():%H:%M:%S}; it is updated while the search runs.")  # noqa: DTZ005
        return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
            title=escape(f"Search {self._configuration.name}"),
            reload=f'<meta http-equiv="refresh" content="{SECONDS:.0f}">' if is_running else "",
            plotly=get_plotlyjs(),
            summary="".join(f"<p>{escape(line)}</p>\n" for line in lines),
            table=table.make(trials),
            figures="\n".join(
                f'<section class="{"wide" if width else ""}"><h2>{escape(title)}</h2>'
                f'<div class="box"><div style="min-width: {width}px">{html}</div></div></section>'
                for title, html, width in figures
            ),
        )

    def _summarize(self, trials: list[FrozenTrial], table: Table) -> list[str]:
        counts = Counter(map(table.name_state, trials))
        lines = ["Trials: " + (", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none")]
        best = [trial for trial in self._study.list_best() if not table.is_removed(trial)]
        if len(self._keys) > 1:
            goals = map(" ".join, zip(self._configuration.directions, self._keys, strict=True))
            lines.append(f"Pareto front ({', '.join(goals)}): {', '.join(map(self._name, best)) or 'none'}")
        elif best:
            [(direction, key, value)] = zip(
                self._configuration.directions, self._keys, self._study.format_metrics(best[0]), strict=True
            )
            lines.append(f"Best {key} ({direction}): {value}, {self._name(best[0])}")
        if self._configuration.fixed:
            lines.append(f"Fixed: {format_parameters(self._configuration.fixed)}")
        return [*lines, f"Commit: {self._source.commit[:7]}"]

    def _name(self, trial: FrozenTrial) -> str:
        return f"{self._configuration.name}-{trial.number}"
