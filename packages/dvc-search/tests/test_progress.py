import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from dvc_search import command_line
from dvc_search.git import git
from dvc_search.progress import Progress, print_result
from dvc_search.study import Study
from dvc_search.task import Outcome
from searches import COMMIT, SOURCE, ask, complete, configure, open_study

pytestmark = pytest.mark.usefixtures("memory_folder")


def make_study(values: list[float], **changes: Any) -> Study:
    study = open_study(**changes)
    for value in values:
        complete(study, ask(study), value)
    return study


def test_result(capsys: pytest.CaptureFixture[str]) -> None:
    study = make_study([0.25, 0.75, 0.5, 0.875])
    git(Path(), "init", "--quiet")
    git(Path(), "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "--quiet", "--allow-empty", "-mBegin")
    source = SOURCE._replace(commit=git(Path(), "rev-parse", "HEAD"))
    names = ["trial-0", "trial-1", "trial-2"]  # trial-3 was removed
    print_result(study, configure(), source, names)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "best of 4 trials by validation.score:"
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["trial-1", "0.75", "epochs=2"],
        ["trial-2", "0.5", "epochs=2"],
        ["trial-0", "0.25", "epochs=2"],
    ]
    assert lines[4:] == [
        "show them:  dvc exp show --only-changed",
        "keep one:   dvc exp apply trial-1",
    ]
    print_result(study, configure(), SOURCE._replace(remote="origin"), names)  # of an earlier commit
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"show them:  dvc exp show --only-changed --rev {COMMIT[:7]}",
        "keep one:   dvc exp pull origin trial-1 && dvc exp apply trial-1",
    ]


def test_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("COLUMNS", "150")
    study = make_study([0.25, 0.75])
    with Progress(study, configure()) as progress:
        progress.update(running=3)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "2/20 3 running, 2 complete, 0 pruned, 0 failed, best 0.75 (trial-1)" in shown


def test_ends_when_nobody_reads_its_output(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    progress = Progress(make_study([]), configure())
    monkeypatch.setattr(command_line, "_main", lambda _: progress.print("trial-0"))
    with os.fdopen(writer, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert command_line.main([]) == 128 + signal.SIGPIPE


def test_lines_of_outcomes(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(make_study([]), configure())
    progress.print_outcome("trial-3", Outcome("complete", (0.123456789,)), {"lr": 0.1 + 0.2}, is_pruned=False)
    progress.print_outcome("trial-4", Outcome("stopped"), {}, is_pruned=True)
    progress.print_outcome("trial-5", Outcome("stopped"), {}, is_pruned=False)
    progress.print_outcome("trial-6", Outcome("unrecorded", error="git push: refused"), {}, is_pruned=False)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [
        "trial-3  validation.score 0.123457  lr=0.3",
        "trial-4  pruned",
        "trial-5  stopped; the same command runs it again",
        "trial-6  not recorded: git push: refused",
    ]
