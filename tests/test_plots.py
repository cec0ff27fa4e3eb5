"""`dvc plots` draws the charts of dvc.yaml, in a browser without a network."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from ruamel.yaml import YAML

from tests.chromium import BROWSER, OPTIONS
from tests.plot_checks import (
    CLASSES,
    CONFUSION,
    ERRORS,
    IDENTIFIERS,
    LOSSES,
    MISSES,
    WINDOW_WIDTH,
    check_classes,
    check_confusion,
    check_curves,
    check_marks,
    check_widths,
)

if TYPE_CHECKING:
    from tests.clone import Clone

# Appended to a page: the right edge of each picture in pixels, and its scale: below 1 if shrunk to the window.
MEASURE = """<script>setTimeout(() => document.body.insertAdjacentHTML("beforeend", '<div id="measured">' +
  JSON.stringify([...document.querySelectorAll("svg.marks, img")].map((picture) => [
    picture.getBoundingClientRect().right,
    picture.viewBox ? picture.getBoundingClientRect().width / picture.viewBox.baseVal.width : 1])) +
  "</div>"), 3000)</script>"""


@pytest.fixture
def project(clone: "Clone") -> "Clone":
    """Reduce dvc.yaml to its plots, and commit metrics of two experiments, tagged `first` and `second`."""
    yaml = YAML()
    pipeline = yaml.load(clone.folder / "dvc.yaml")
    yaml.dump({"plots": list_plots(pipeline)}, clone.folder / "dvc.yaml")
    (clone.folder / "dvc.lock").unlink(missing_ok=True)
    shutil.rmtree(clone.folder / "metrics", ignore_errors=True)
    for share, name in ((0.5, "first"), (0.75, "second")):
        write_metrics(clone.folder / "metrics", share)
        clone.commit(name)
        clone.run("git", "tag", name)
    return clone


def list_plots(pipeline: dict[str, Any]) -> list[Any]:
    """List the plots whose files `write_metrics` writes; outputs of stages in the form outside of one."""
    outputs = [output for stage in pipeline["stages"].values() for output in stage.get("plots", [])]
    plots = {plot if isinstance(plot, str) else next(iter(plot)): plot for plot in (*pipeline["plots"], *outputs)}
    for plot in plots.values():
        if isinstance(plot, dict):
            next(iter(plot.values())).pop("cache", None)
    return [plot for name, plot in plots.items() if re.sub(r"\W", "_", name) in IDENTIFIERS]


def write_metrics(folder: Path, share: float) -> None:
    """Write the files of the plots, with numbers that depend on `share`."""
    for part in ("train", "validation"):
        curves = folder / "train/plots/metrics" / part
        curves.mkdir(parents=True, exist_ok=True)
        accuracies = [1 - share * error for error in ERRORS]
        for name, values in (("loss", [share * loss for loss in LOSSES]), ("accuracy", accuracies)):
            lines = [f"{epoch}\t{value}\n" for epoch, value in enumerate(values, start=1)]
            (curves / f"{name}.tsv").write_text(f"step\t{name}\n{''.join(lines)}")
    steps = [0] * (100 - sum(MISSES)) + [1] * MISSES[0] + [2] * MISSES[1]
    pairs = [(actual, (actual + step) % CLASSES) for actual in range(CLASSES) for step in steps]
    (folder / "predictions.csv").write_text("actual,predicted\n" + "".join(f"{a},{p}\n" for a, p in pairs))
    rows = [f"{label},{share},{share},{share + label / 100},3\n" for label in range(CLASSES)]
    (folder / "classes.csv").write_text(f"class,precision,recall,f1,support\n{''.join(rows)}")
    Image.new("L", (928, 8), round(255 * share)).save(folder / "misclassified.png")


def test_draws_charts_without_a_network(project: "Clone", tmp_path: Path) -> None:
    project.run("dvc", "plots", "show")
    page = project.folder / "dvc_plots/index.html"
    assert '<script src="https://' in page.read_text(encoding="utf-8")  # before make setup
    if BROWSER is None:
        pytest.skip("needs Chromium or Chrome")
    project.run("dvc-guard", "plots-page")
    project.run("dvc", "config", "--local", "plots.html_template", "plots/offline.html")
    for command, experiments in ((["show"], ["workspace"]), (["diff", "first", "second"], ["first", "second"])):
        project.run("dvc", "plots", *command)
        assert not re.findall(r"<(?:script|link|img)\b[^<>]*\bhttps?:", page.read_text(encoding="utf-8"))
        plots, console = draw(BROWSER, page, tmp_path / "browser")
        assert console == []
        check_widths(plots.pop("measured"))
        check_marks(plots, page.parent, experiments)
        check_curves(plots, experiments)
        check_confusion(plots[CONFUSION])
        check_classes(plots["metrics_classes_csv"], experiments)


def draw(browser: str, page: Path, profile: Path) -> tuple[dict[str, str], list[str]]:
    """Open a page in a browser without a network; return the HTML of each plot by id, and the console messages."""
    page.write_text(page.read_text(encoding="utf-8") + MEASURE, encoding="utf-8")
    process = subprocess.run(
        [
            browser,
            *OPTIONS,
            f"--user-data-dir={profile}",
            f"--window-size={WINDOW_WIDTH},1000",
            "--virtual-time-budget=5000",
            "--enable-logging=stderr",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    body = process.stdout.partition("<body>")[2]
    parts = re.split(r'<div\s+id="([^"]+)"', body)[1:]
    console = [line for line in process.stderr.splitlines() if "CONSOLE" in line]
    return dict(zip(parts[::2], parts[1::2], strict=True)), console
