import argparse
from pathlib import Path

import pytest

from dvc_search.command_line import main
from dvc_search.log import MAX_BYTES, store_log
from dvc_search.options import make_parser, parse_override

pytestmark = pytest.mark.usefixtures("memory_folder")


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("lr=0.001:0.1:log", {"low": 0.001, "high": 0.1, "log": True}),
        ("lr=1e-5:1e-1", {"low": 1e-5, "high": 0.1}),
        ("lr=5:20:5", {"low": 5, "high": 20, "step": 5}),
        ("lr=0,0.9", [0, 0.9]),
        ("lr=10", 10),
        ("lr=null", None),
        ("lr=sgd,adam", ["sgd", "adam"]),
        ("lr=[128, 64],[32]", [[128, 64], [32]]),
        ("lr=[32]", [[32]]),
        ("lr=a:b", "a:b"),
        ("lr={sgd: {momentum: [0, 0.9]}, adam: {}}", {"sgd": {"momentum": [0, 0.9]}, "adam": {}}),
    ],
)
def test_values_on_the_command_line(text: str, content: object) -> None:
    assert parse_override(text) == ("lr", content)


def test_options_of_dvc() -> None:
    for option in ("-S", "--set-param"):  # as dvc exp run has them
        assert make_parser().parse_args([option, "lr=1"]).space == [("lr", 1)]


@pytest.mark.parametrize(("option", "value"), [("--name", "a/b"), ("--timeout", "soon"), ("--jobs", "0")])
def test_rejects_options(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        make_parser().parse_args([option, value])
    assert f"argument {option}: {value!r} is not allowed; it must be " in capsys.readouterr().err


@pytest.mark.parametrize("text", ["lr", "lr=", "=1", "lr=[1", "lr=1,]"])
def test_rejects_values(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not allowed; it must be KEY=VALUE, KEY=VALUE,VALUE or"):
        parse_override(text)


def test_logs(capsys: pytest.CaptureFixture[str]) -> None:
    store_log("lr-3", "epoch 1\n")
    store_log("lr-4-0", "a")
    store_log("lr-4-1", "b" * 2 * MAX_BYTES)
    store_log("lr-4-1", "b" * MAX_BYTES)  # the end of what is there
    assert main(["log", "lr-3", "lr-4"]) == 0
    folder = Path(".dvc/tmp/search/logs")
    end = "b" * 2 * MAX_BYTES
    assert capsys.readouterr().out == (
        f"==> {folder}/lr-3.log <==\nepoch 1\n\n==> {folder}/lr-4-0.log <==\na\n==> {folder}/lr-4-1.log <==\n{end}\n"
    )
    assert main(["log", "lr-5"]) == 1
    assert capsys.readouterr().err.startswith("error: there is no log of lr-5; ")
    assert main(["log"]) == 2
