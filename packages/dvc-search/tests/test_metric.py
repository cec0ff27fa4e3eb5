import json
import os
from pathlib import Path

import pytest

from dvc_search.metric import Follower, read_value
from dvc_search.task import Metric

METRIC = Metric("metrics.json", "validation.accuracy")


def write(folder: Path, value: object, **others: object) -> None:
    (folder / "metrics.json").write_text(json.dumps({"validation": {"accuracy": value}, **others}))


def test_reads_json_and_yaml() -> None:
    assert read_value('{"validation": {"accuracy": 1}}', METRIC) == 1.0
    assert read_value("validation: {accuracy: 1e-05}", METRIC._replace(file="metrics.yaml")) == 1e-05


@pytest.mark.parametrize("text", ["", "{", "{}", '{"validation": 1}', '{"validation": {"accuracy": true}}'])
def test_rejects_file_without_metric(text: str) -> None:
    with pytest.raises(ValueError, match=r"metrics\.json|Expecting"):
        read_value(text, METRIC)


def test_rejects_invalid_yaml() -> None:
    with pytest.raises(ValueError, match="not valid YAML"):
        read_value("a: [", METRIC._replace(file="metrics.yaml"))


def test_does_not_report_what_was_there_before(tmp_path: Path) -> None:
    write(tmp_path, 0.5, step=10)
    follower = Follower(tmp_path, METRIC)
    assert follower.poll() is None
    os.utime(tmp_path / "metrics.json", (1, 1))
    assert follower.poll() == (10, 0.5)
    assert follower.poll() is None


@pytest.mark.parametrize("step", ["last", None, float("inf")])
def test_skips_a_step_that_is_no_number(tmp_path: Path, step: object) -> None:
    follower = Follower(tmp_path, METRIC)
    write(tmp_path, 0.25, step=step)
    assert follower.poll() is None


def test_counts_where_there_is_no_step(tmp_path: Path) -> None:
    follower = Follower(tmp_path, METRIC)
    write(tmp_path, 0.25)
    assert follower.poll() == (0, 0.25)
    (tmp_path / "metrics.json").write_text('{"validation": ')  # half of a file
    assert follower.poll() is None
    write(tmp_path, 0.125, extra=1)
    assert follower.poll() == (1, 0.125)
