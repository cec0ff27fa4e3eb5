"""The page of a search: what it says, and in a browser."""

import json
import math
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import optuna
import pytest
from plotly.offline import get_plotlyjs

from dvc_search import page as module
from dvc_search.configuration import Configuration
from dvc_search.errors import SearchError
from dvc_search.figures import draw_figures
from dvc_search.page import Page
from dvc_search.repository import Source
from dvc_search.study import Study
from dvc_search.task import Metric, Outcome
from searches import COMMIT, SOURCE, ask, complete, configure, make_space, open_study, report

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = "</script><script>alert(1)</script>$title ${plotly} <b>&amp;"  # what a page must escape
SPACE = make_space(
    epochs=2, lr={"low": 0.01, "high": 1.0, "log": True}, sizes=[[1, 2], [3], None], seed={"low": 0, "high": 9}
)
FIGURES = 7
# Within a page: what was drawn, how wide it is, what went wrong and what was loaded.
REPORT = """<script>
const errors = [];
onerror = (message) => errors.push(message);
onload = () => parent.postMessage({
  drawn: document.querySelectorAll(".js-plotly-plot").length,
  plots: document.querySelectorAll(".main-svg").length,
  fits: document.documentElement.scrollWidth <= innerWidth,
  clipped: [...document.querySelectorAll("section:not(.wide) .box")].filter(box => box.scrollWidth > box.clientWidth).length,
  loaded: performance.getEntriesByType("resource").map(entry => entry.name).filter(name => !name.startsWith("data:")),
  errors,
}, "*");
</script>"""  # noqa: E501
FRAMES = """<body>NAMES<script>
const reports = [];
onmessage = (event) => { reports.push(event.data); document.title = JSON.stringify(reports); };
</script>"""

pytestmark = pytest.mark.usefixtures("memory_folder")


def open_search(**changes: Any) -> tuple[Configuration, Study]:
    configuration = configure(space=SPACE, trials=200, sampler="random", **changes)
    study = Study(configuration)
    study.begin(COMMIT)
    return configuration, study


def make_page(configuration: Configuration, study: Study, source: Source = SOURCE, *, is_running: bool = False) -> str:
    """Return the page without plotly, which is large."""
    return Page(configuration, study, source).make(is_running=is_running).replace(get_plotlyjs(), "")


def fill(study: Study, count: int) -> None:
    """Add complete trials, each worse than the one before, and a pruned, a failed and a running one."""
    for number in range(count):
        trial = ask(study)
        report(study, trial, [-1.0, -number / 100])
        complete(study, trial, -number / 100)
    pruned, failed, running = (ask(study) for _ in range(3))
    report(study, pruned, [-2.0, math.nan, -0.25])
    study.prune(pruned)
    report(study, failed, [-math.inf])
    study.fail(failed, HOSTILE)
    report(study, running, [-0.5])


def list_rows(page: str) -> list[list[str]]:
    rows = re.findall("<tr>(.*?)</tr>", page)
    return [[unescape(re.sub("<.*?>", "", cell)) for cell in re.findall("<td>(.*?)</td>", row)] for row in rows[1:]]


def test_lists_all_trials() -> None:
    configuration, study = open_search()
    fill(study, 12)
    page = make_page(configuration, study, SOURCE._replace(remote="origin"), is_running=True)
    assert '<meta http-equiv="refresh" content="5">' in page
    for line in ("12 complete, 1 failed, 1 pruned, 1 running", "validation.score (maximize): 0, trial-0", "epochs=2"):
        assert line in page
    rows = list_rows(page)
    assert [row[0] for row in rows] == [f"trial-{number}" for number in (*range(12), 14, 12, 13)]
    values = study.get_values(study.list_counted()[1])
    lr, size, seed = (values[key] for key in ("lr", "sizes", "seed"))
    assert rows[1][:6] == ["trial-1", "complete", "-0.01", f"{lr:.6g}", json.dumps(size), str(seed)]
    assert rows[1][7:] == ["", "dvc exp pull origin trial-1 && dvc exp apply trial-1"]
    assert [row[1:3] for row in rows[12:]] == [["running", "-0.5"], ["pruned", "-0.25"], ["failed", "-inf"]]
    assert rows[-1][-1] == HOSTILE


def test_does_not_offer_what_was_removed() -> None:
    configuration, study = open_search()
    fill(study, 2)
    page = Page(configuration, study, SOURCE)
    page.experiments = {"trial-1"}
    text = page.make(is_running=False)
    assert "validation.score (maximize): -0.01, trial-1" in text
    assert [(row[0], row[1], row[-1]) for row in list_rows(text)[:3]] == [
        ("trial-0", "removed", ""),
        ("trial-1", "complete", "dvc exp apply trial-1"),
        ("trial-4", "not ended", ""),
    ]


@pytest.mark.parametrize(("complete", "missing"), [(0, 6), (1, 3), (2, 1), (12, 0)])
def test_says_why_a_figure_is_missing(complete: int, missing: int) -> None:
    configuration, study = open_search()
    assert len(re.findall(r"<p>(This needs|No trial|There are)", make_page(configuration, study))) == FIGURES
    fill(study, complete)
    page = make_page(configuration, study)
    assert "refresh" not in page
    assert len(re.findall(r"<p>(This needs|No trial|There are)", page)) == missing - (missing == 6)
    assert page.count("Plotly.newPlot") == FIGURES - missing + (missing == 6)


def test_figures_have_the_numbers_of_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points that were drawn twice are not run: they have numbers, but are not shown."""
    configuration, study = open_search()
    complete(study, ask(study), 0.5)
    repeated = optuna.load_study(study_name="trial", storage="sqlite:///.dvc/tmp/search/trial.db").ask()
    repeated.set_user_attr("not_run", "equal to trial 0")
    complete(study, ask(study), 0.75)
    page = make_page(configuration, study)
    assert [row[0] for row in list_rows(page)] == ["trial-2", "trial-0"]
    assert "cannot be drawn" not in page
    assert '"y":[0,2]' in page  # of the timeline


def test_several_metrics_of_repeated_trials() -> None:
    metrics = (Metric("metrics.json", "score"), Metric("metrics.json", "seconds"))
    configuration, study = open_search(metrics=metrics, directions=("maximize", "minimize"), repeat={"epochs": [1, 2]})
    for number, (score, seconds) in enumerate(((0.7, 6.0), (0.8, 5.0), (0.9, 9.0))):
        trial = ask(study)
        runs = {name: Outcome("complete", (score + n, seconds)) for n, name in enumerate(study.list_names(trial))}
        study.complete(trial, runs)
        assert list(runs) == [f"trial-{number}-0", f"trial-{number}-1"]
    page = make_page(configuration, study)
    assert "Pareto front (maximize score, minimize seconds): trial-1, trial-2" in page
    assert "cannot be drawn" not in page
    rows = list_rows(page)
    assert [row[0] for row in rows] == ["trial-1", "trial-2", "trial-0"]
    assert rows[0][2:4] == ["1.3 ± 0.71", "5 ± 0"]
    assert rows[0][-1] == "dvc exp apply trial-1-0"


def test_parameters_of_one_branch_are_not_paired() -> None:
    """No trial has both, so their figure would be empty."""
    branches = {"sgd": {"momentum": {"low": 0.1, "high": 0.9}}, "adam": {"lr": {"low": 0.1, "high": 0.9}}}
    study = open_study(space=make_space(optimizer=branches))
    for optimizer in ("sgd", "adam"):
        study._study.enqueue_trial({"optimizer": optimizer})  # noqa: SLF001
        complete(study, ask(study), 0.5)
    figures = draw_figures(study.list_trials(), ("maximize",), ("score",))
    texts = {figure.title: figure.html for figure in figures}
    assert texts["Pairs of parameters"] == "<p>This needs two parameters that all trials have.</p>"


def test_pareto_front_of_many_metrics() -> None:
    study = open_study(metrics=[Metric("metrics.json", name) for name in "abcd"], directions=("minimize",) * 4)
    complete(study, ask(study), 1, 2, 3, 4)
    figures = draw_figures(study.list_trials(), ("minimize",) * 4, list("abcd"))
    texts = {figure.title: figure.html for figure in figures}
    assert texts["Pareto front"] == "<p>This needs two or three metrics.</p>"


def test_a_figure_that_fails_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dvc_search.figures.visualization.plot_slice", lambda *_, **__: 1 / 0)
    configuration, study = open_search()
    fill(study, 2)
    page = make_page(configuration, study)
    assert "cannot be drawn (ZeroDivisionError)" in page
    assert page.count("Plotly.newPlot") == FIGURES - 2


def test_is_written_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration, study = open_search()
    monkeypatch.setattr(module, "get_plotlyjs", str)
    page = Page(configuration, study, SOURCE)
    page.update()
    complete(study, ask(study), 0.5)
    page.update()
    assert "1 complete" not in page.path.read_text()
    monkeypatch.setattr(module, "SECONDS", 0)
    monkeypatch.setattr(module, "MAX_SHARE", 1e9)
    page.write(is_running=True)
    complete(study, ask(study), 0.5)
    page.update()
    assert "2 complete" in page.path.read_text()
    page.path.unlink()
    page.path.mkdir()
    page.update()  # the error is raised when the search ends
    with pytest.raises(SearchError, match=r"search/trial\.html: cannot be written: Is a directory"):
        page.write(is_running=False)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome")
def test_in_a_browser_without_a_network() -> None:
    hostile = {"name": "other", "metrics": (Metric("metrics.json", HOSTILE),), "directions": ("minimize",)}
    for number, changes in enumerate(({}, hostile)):
        configuration, study = open_search(**changes)
        fill(study, 12)
        text = Page(configuration, study, SOURCE).make(is_running=False).replace("<title>", f"{REPORT}<title>", 1)
        Path(f"{number}.html").write_text(text)
    sizes = ((420, 0), (1200, 0), (420, 1))
    frames = [f'<iframe width="{width}" height="900" src="{number}.html"></iframe>' for width, number in sizes]
    Path("frames.html").write_text(FRAMES.replace("NAMES", "".join(frames)))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9"]
    options += ["--disable-background-networking", "--no-first-run", f"--user-data-dir={Path('profile').absolute()}"]
    process = subprocess.run(
        [str(BROWSER), *options, "--virtual-time-budget=20000", "--dump-dom", Path("frames.html").absolute().as_uri()],
        env=os.environ | {"HOME": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    title = re.search("<title>(.*?)</title>", process.stdout)
    assert title, process.stderr
    reports = json.loads(unescape(title[1]))
    plots = reports[0].pop("plots")
    assert plots > 2 * FIGURES
    assert [report | {"plots": plots} for report in reports] == [
        {"drawn": FIGURES, "plots": plots, "fits": True, "clipped": 0, "loaded": [], "errors": []}
    ] * len(sizes)
