import json
from pathlib import Path

import pytest

from tests.checks.conftest import DVC_WARNS, Ask, Project

pytestmark = DVC_WARNS

ACCURACY, LOSS = "metrics.json:test.accuracy", "metrics.json:loss"


def write(accuracy: object = 0.9, loss: object = 0.5, **others: object) -> None:
    """Write the metrics of the workspace."""
    Path("metrics.json").write_text(json.dumps({"test": {"accuracy": accuracy}, "loss": loss, **others}))


def verdicts(answer: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {row["metric"]: row["verdict"] for row in answer["rows"]}


def test_holds_where_no_metric_is_worse(tiny: Project, ask: Ask) -> None:
    write(accuracy=0.95, loss=0.4)
    answer = ask("gate", "--base", "HEAD")
    assert answer["status"] == 0
    assert answer["rows"] == [
        {"metric": LOSS, "base": "0.5", "head": "0.4", "change": "-0.1", "allowed": "0", "verdict": "ok"},
        {"metric": ACCURACY, "base": "0.9", "head": "0.95", "change": "+0.05", "allowed": "0", "verdict": "ok"},
    ]


@pytest.mark.parametrize(
    ("metrics", "options", "failing"),
    [
        ({"accuracy": 0.8999}, [], [ACCURACY]),
        ({"loss": 0.5001}, [], [LOSS]),
        ({"accuracy": 0.898}, ["--allow", "0.002"], []),
        ({"accuracy": 0.8979}, ["--allow", "0.002"], [ACCURACY]),
        ({"accuracy": 0.8, "loss": 0.6}, ["--allow", "accuracy=0.1"], [LOSS]),
        ({"accuracy": 0.8, "loss": 0.6}, ["--allow", "0.1", "--allow", "test.accuracy=0.01"], [ACCURACY]),
        ({"accuracy": 0.8, "loss": 0.6}, ["--allow", f"{LOSS}=0.1", "--allow", "accuracy=0.1"], []),
        ({"accuracy": 0.8}, ["--allow", "accuracy=0.01", "--allow", f"{ACCURACY}=0.1"], []),
        ({"accuracy": 0.8, "loss": 0.4}, ["--direction", "accuracy=lower", "--direction", "loss=higher"], [LOSS]),
        ({"accuracy": 0.0, "loss": 9.0}, ["--direction", "accuracy=any", "--direction", "loss=any"], []),
        ({"new": 1}, [], []),
    ],
)
def test_a_metric_fails_where_it_is_worse_by_more_than_allowed(
    tiny: Project, ask: Ask, metrics: dict[str, float], options: list[str], failing: list[str]
) -> None:
    write(**metrics)
    answer = ask("gate", "--base", "HEAD", *options)
    assert answer["status"] == bool(failing)
    assert [name for name, verdict in verdicts(answer).items() if verdict == "worse"] == failing


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "0.95", True, None, [0.95], 10**400])
def test_what_is_not_a_finite_number_fails(tiny: Project, ask: Ask, value: object) -> None:
    write(accuracy=value)
    answer = ask("gate", "--base", "HEAD", "--direction", "accuracy=any")
    assert answer["status"] == 1
    assert verdicts(answer)[ACCURACY] == "not a finite number"


@pytest.mark.parametrize("text", ['{"test": ', "", "{}", "\0"])
def test_a_corrupt_or_empty_file_fails(tiny: Project, ask: Ask, text: str) -> None:
    Path("metrics.json").write_text(text)
    answer = ask("gate", "--base", "HEAD")
    assert answer["status"] == 1
    assert verdicts(answer)[ACCURACY] == "missing"
    assert verdicts(answer).get("metrics.json") == (None if text == "{}" else "unreadable")


def test_a_missing_file_and_a_missing_metric_fail(tiny: Project, ask: Ask) -> None:
    Path("metrics.json").write_text('{"loss": 0.1}')
    assert verdicts(ask("gate", "--base", "HEAD")) == {LOSS: "ok", ACCURACY: "missing"}
    Path("metrics.json").unlink()
    answer = ask("gate", "--base", "HEAD")
    assert (answer["status"], verdicts(answer)[ACCURACY]) == (1, "missing")


def test_two_commits_are_compared(tiny: Project, ask: Ask) -> None:
    write(accuracy=0.8)
    tiny.commit()
    write(accuracy=0.99)
    assert ask("gate", "--base", "HEAD~1", "--head", "HEAD")["status"] == 1
    assert ask("gate", "--base", "HEAD", "--head", "HEAD~1")["status"] == 0


def test_a_reference_that_says_nothing_is_no_answer(tiny: Project, ask: Ask) -> None:
    for text in ('{"test": {"accuracy": NaN}, "loss": 0.5}', '{"test": ', "{}"):
        Path("metrics.json").write_text(text)
        tiny.commit()
    write()
    summaries = [ask("gate", "--base", f"HEAD~{back}")["summary"] for back in (2, 1, 0)]
    assert summaries[0] == "metrics.json:test.accuracy was nan, which is no number to compare with"
    assert summaries[1].startswith("metrics.json of HEAD~1 cannot be read: ")
    assert summaries[2] == "HEAD~0 has no metrics"


def test_a_failure_outweighs_a_reference_that_says_nothing(tiny: Project, ask: Ask) -> None:
    write(accuracy=float("nan"))
    tiny.commit()
    write(loss=0.6)
    assert ask("gate", "--base", "HEAD")["status"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--base", "HEAD~9"], "HEAD~9"),
        (["--base", "HEAD", "--head", "nowhere"], "nowhere"),
        (["--base", "HEAD", "--allow", "acuracy=1"], f"--allow acuracy: no such metric; there are {LOSS}, {ACCURACY}"),
        (
            ["--base", "HEAD", "--direction", "los=any"],
            f"--direction los: no such metric; there are {LOSS}, {ACCURACY}",
        ),
    ],
)
def test_names_that_are_not_there_are_no_answer(tiny: Project, ask: Ask, options: list[str], message: str) -> None:
    answer = ask("gate", *options)
    assert answer["status"] == 2
    assert message in answer["summary"]


def test_a_pipeline_that_cannot_be_read_is_no_answer(tiny: Project, ask: Ask) -> None:
    tiny.write("dvc.yaml", "{")
    answer = ask("gate", "--base", "HEAD")
    assert answer["status"] == 2
    assert "dvc.yaml" in answer["summary"]
