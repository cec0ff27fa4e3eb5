import re
from itertools import pairwise
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial

from search.errors import SearchError
from search.page import make_page, write_page
from search.task import Metric
from tests.chromium import Tab
from tests.search.configurations import configure
from tests.search.trials import complete, fail, number, prune, run

CHARTS = ["values", "curves", "importances", "parameter-0", "parameter-1", "parameter-2"]
# What a page must escape: in HTML, in the script within it, and in the templates.
HOSTILE = "</script><script>alert(1)</script>$title ${vega} datum['a.b']"
DRAWN = """new Promise(resolve => {
  const end = Date.now() + 20000;
  const isDrawn = () => document.querySelectorAll("svg.marks").length == COUNT;
  const wait = () => isDrawn() || Date.now() > end ? resolve(isDrawn()) : setTimeout(wait, 20);
  wait();
})"""


def make_trials() -> list[FrozenTrial]:
    """Return 20 complete trials, the best among them 19, three pruned, one failed and one running."""
    trials = [
        complete(0.5 + 0.02 * place, [0.1, 0.5 + 0.02 * place], lr=0.001 * 1.3**place, epochs=1 + place % 3)
        for place in range(20)
    ]
    return number([*trials, *(prune([0.1, 0.4]) for _ in range(3)), fail("<b>diverged</b>"), run([0.3])])


@pytest.fixture
def no_vega(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave Vega out, which takes seconds to bundle."""
    monkeypatch.setattr("search.page._bundle_vega", str)


def draw(tab: Tab, page: Path, width: int) -> dict[str, str]:
    """Open a page in a window of a width, and return the HTML of each chart by its id. It may print nothing."""
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    tab.open(page)
    count = page.read_text(encoding="utf-8").count('"></div>')
    is_drawn = tab.evaluate(DRAWN.replace("COUNT", str(count)))
    assert tab.list_messages() == []
    assert is_drawn
    requests = tab.list_events("Network.requestWillBeSent")
    assert [request["request"]["url"] for request in requests] == [page.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    drawn = tab.evaluate("[...document.querySelectorAll('div > div[id]')].map(div => [div.id, div.innerHTML])")
    tab.call("Emulation.clearDeviceMetricsOverride")  # other tests use this tab
    return dict(drawn)


def count_marks(chart: str) -> dict[str, int]:
    names = re.findall(r'aria-roledescription="([^"]+)"', chart)
    return {name: names.count(name) for name in ("point", "line mark", "bar") if name in names}


def test_draws_charts_without_a_network(browser: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = write_page(configure(), make_trials()).resolve()
    assert page == tmp_path / ".dvc/tmp/search/trial.html"
    assert [path.name for path in page.parent.iterdir()] == [page.name]
    for width in (700, 1400):
        drawn = draw(browser, page, width)
        assert list(drawn) == CHARTS
        marks = {key: count_marks(chart) for key, chart in drawn.items()}
        assert marks.pop("values") == {"point": 25, "line mark": 1}
        assert marks.pop("curves") == {"point": 24, "line mark": 24}  # the failed one has reported nothing
        assert marks.pop("importances") == {"bar": 3}
        assert list(marks.values()) == [{"point": 25}] * 3
    for state in ("best", "pruned", "failed", "running", "complete", "best so far"):
        assert f">{state}</text>" in drawn["values"]
    assert drawn["curves"].count('stroke-dasharray="4,3"') == 3
    line = re.findall(r"[\d.]+,[\d.]+", re.findall(r'"line mark"[^>]* d="([^"]+)"', drawn["values"])[0])
    points = [point.split(",") for point in line]
    assert len(points) > 20
    assert all(x == next_x or y == next_y for (x, y), (next_x, next_y) in pairwise(points))  # best so far: in steps
    assert "lr (log scale)" in drawn["parameter-0"]
    assert "legend" not in drawn["parameter-0"]


def test_few_trials_and_hostile_names(browser: Tab, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    configuration = configure(direction="minimize", name=HOSTILE, metric=Metric("metrics.json", HOSTILE))
    some = [complete(0.5), prune([0.1]), fail(HOSTILE)]
    for trials in ([], [complete(0.5, [0.5])], some, [prune([0.1, 0.2]), fail()], [fail(HOSTILE)], [run()]):
        page.write_text(make_page(configuration, number(trials)), encoding="utf-8")
        drawn = draw(browser, page, 700)
        assert browser.evaluate("document.title") == f"Search {HOSTILE}"
        assert bool(drawn) == any(trial.value is not None or trial.intermediate_values for trial in trials)
        assert not drawn or count_marks(drawn["values"])["point"] == len(trials)


@pytest.mark.usefixtures("no_vega")
def test_lists_trials() -> None:
    page = make_page(configure(), make_trials())
    assert "Trials: 20 complete, 1 failed, 3 pruned, 1 running<br>" in page
    assert "Best validation.score (maximize): 0.88, trial-19<br>Fixed: epochs=2</p>" in page
    commands = re.findall(r"<td>([\d.]+)</td><td>dvc exp apply trial-(\d+)</td><td>([\d.]+)</td>", page)
    assert [number for _, number, _ in commands] == [str(number) for number in range(19, 9, -1)]
    assert commands[0] == ("0.88", "19", "0.146192")
    assert (
        "<tr><td>trial-23</td><td>&lt;b&gt;diverged&lt;/b&gt;</td><td>lr=0.1 epochs=2 hidden_sizes=[32]</td></tr>"
        in page
    )


@pytest.mark.usefixtures("no_vega")
@pytest.mark.parametrize(
    ("trials", "notes"),
    [
        ([], ["Trials: none", "No trial has a value."]),
        ([fail()], ["No trial has a value."]),
        ([complete(0.5)], ["No trial has reported values by step.", "10 complete trials with different values."]),
    ],
)
def test_says_why_a_chart_is_missing(trials: list[FrozenTrial], notes: list[str]) -> None:
    page = make_page(configure(), trials)
    assert all(note in page for note in notes)


@pytest.mark.usefixtures("no_vega")
def test_page_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").write_text("")
    with pytest.raises(SearchError, match=r"search/trial\.html: cannot be written: Not a directory"):
        write_page(configure(), [])
