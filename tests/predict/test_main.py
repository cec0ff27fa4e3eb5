import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.clone import ROOT, Clone
from tests.conftest import needs_mnist
from tests.predict.conftest import METADATA, Predict, build_model, draw_seven, make_image, read_mnist
from tests.predict.scenes import draw_number, write_on


def save_images(folder: Path, labels: Sequence[int]) -> None:
    """Write images that the model predicts as these labels: 00.png and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, label in enumerate(labels):
        Image.fromarray(make_image(label)).save(folder / f"{number:02}.png")


def run_shell(options: str, *, python: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the command in the current folder, by a shell."""
    command = f"{sys.executable} {python} -m predict --as-is {options}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)


def test_prints_table(folder: Path, predict: Predict) -> None:
    save_images(folder / "images", [3, 7])
    status, output, errors = predict("--as-is", "images")
    header, first, second = output.splitlines()
    assert header == "file           class  probability  second best"
    assert re.fullmatch(r"images/00\.png  3           99\.\d\d%  0 \(0\.\d\d%\)", first)
    assert re.fullmatch(r"images/01\.png  7           99\.\d\d%  0 \(0\.\d\d%\)", second)
    assert (status, errors) == (0, [])


def test_prints_json_of_more_than_a_batch(folder: Path, predict: Predict) -> None:
    labels = np.random.default_rng(0).integers(0, 10, 150).tolist()
    save_images(folder, labels)
    names = [f"{number:02}.png" for number in range(150)][::-1]
    lines = list(map(json.loads, predict("--as-is", "--json", *names).output.splitlines()))
    assert [(line["file"], line["class"]) for line in lines] == list(zip(names, map(str, labels[::-1]), strict=True))
    for line in lines:
        assert list(line["probabilities"]) == list("0123456789")
        assert line["probability"] == line["probabilities"][line["class"]] == max(line["probabilities"].values())
        assert sum(line["probabilities"].values()) == pytest.approx(1)


def test_number_has_a_row_and_its_digits_too(folder: Path, predict: Predict) -> None:
    number = write_on(draw_number([7, 1, 4], np.random.default_rng(0))).astype(np.uint8)
    Image.fromarray(number).save(folder / "number.png")
    whole, *digits = map(json.loads, predict("--json", "number.png").output.splitlines())
    assert [digit["file"] for digit in digits] == [f"number.png[{place}]" for place in (1, 2, 3)]
    assert whole["file"] == "number.png"
    assert whole["class"] == "".join(digit["class"] for digit in digits)
    assert whole["probability"] == pytest.approx(np.prod([digit["probability"] for digit in digits]))
    _, first, second, *_ = predict("--show", "number.png").output.splitlines()
    assert first.split()[:2] == ["number.png", whole["class"]]
    assert "3 digits" in first
    assert second.split()[:2] == ["number.png[1]", digits[0]["class"]]


def test_number_is_wrong_where_one_digit_is_right(folder: Path, predict: Predict) -> None:
    (folder / "7").mkdir()
    number = write_on(draw_number([7, 7], np.random.default_rng(0))).astype(np.uint8)
    Image.fromarray(number).save(folder / "7/a.png")
    *_, summary = map(json.loads, predict("--labels", "--json", "7").output.splitlines())
    assert (summary["accuracy"], summary["images"]) == (0, 1)
    head, whole, first, *lines = predict("--labels", "7").output.splitlines()
    assert whole[head.index("label") :].split()[0] == "7"
    assert first[: head.index("class")].split() == ["7/a.png[1]"]
    assert "Confusion matrix (rows: label, columns: class, without 1 taken for numbers):" in lines


@pytest.mark.parametrize(("classes", "expected"), [("0123456789", True), ("abcdefghij", False)])
def test_says_what_is_uncertain_of_digits(folder: Path, predict: Predict, classes: str, *, expected: bool) -> None:
    (folder / "models/mlp.onnx").write_bytes(build_model(METADATA | {"classes": json.dumps(list(classes))}))
    Image.fromarray(make_image(3)).save(folder / "clear.png")
    Image.fromarray(make_image(3) // 4).save(folder / "faint.png")
    output = predict("--as-is", "--json", "clear.png", "faint.png").output
    clear, faint = map(json.loads, output.splitlines())
    assert (clear["class"], faint["class"]) == (classes[3], classes[3])
    assert (clear["uncertain"], faint["uncertain"]) == (False, expected)
    status, output, _ = predict("--as-is", "faint.png")
    assert (status, ", uncertain" in output) == (0, expected)


def test_prepares_and_shows_picture(folder: Path, predict: Predict) -> None:
    Image.fromarray(255 - draw_seven()).save(folder / "seven.png")
    _, _, *lines = predict("seven.png", "--show").output.splitlines()
    assert [line.isspace() for line in lines] == [True] * 4 + [False] * 10
    assert all(len(line) == 28 for line in lines)


def test_image_and_classes_are_those_of_the_model(folder: Path, predict: Predict) -> None:
    image = np.zeros((9, 5, 3), np.uint8)
    image[2] = 255
    Image.fromarray(image).save(folder / "image.png")
    (folder / "models/mlp.onnx").write_bytes(build_model({"classes": '["cat", "dog"]'}, shape=(9, 5, 3), outputs=2))
    for options in (["--as-is"], []):
        status, output, errors = predict("image.png", "--show", *options)
        assert output.splitlines()[1].split()[:2] == ["image.png", "dog"]
        assert output.splitlines()[2:] == [" " * 5, "▀" * 5, *[" " * 5] * 3]
        assert (status, errors) == (0, [])


def test_shows_grays_on_a_terminal(folder: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    save_images(folder, [0])
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    line = predict("00.png", "--as-is", "--show").output.splitlines()[2]
    assert line.count("▀") == 28
    assert line.startswith("\x1b[38;5;232;48;5;232m▀")
    assert line.count("\x1b[38;5;255;48;5;232m▀") == 20


def test_labels_are_the_folders(folder: Path, predict: Predict) -> None:
    save_images(folder / "images/3", [3, 3, 7])
    save_images(folder / "images/7", [7])
    for arguments in (["--labels", "images"], ["images", "--labels"]):
        lines = predict("--as-is", *arguments).output.splitlines()
        assert lines[3].split()[:3] == ["images/3/02.png", "3", "7"]
        assert lines[6:8] == ["Accuracy: 0.7500 (3 of 4)", "Confusion matrix (rows: label, columns: class):"]
        assert lines[12].split() == ["3", "0", "0", "0", "2", "0", "0", "0", "1", "0", "0"]


def test_labels_are_in_a_file(folder: Path, predict: Predict) -> None:
    save_images(folder / "images", [3, 7, 5])
    (folder / "labels.csv").write_text("file,label\nimages/00.png,3\nimages/01.png,9\n")
    status, output, errors = predict("--as-is", "--json", "--labels", "labels.csv", "images")
    first, second, summary = map(json.loads, output.splitlines())
    assert (first["label"], second["label"], second["class"]) == ("3", "9", "7")
    assert (summary["accuracy"], summary["images"], summary["confusion"][9][7]) == (0.5, 2, 1)
    assert (status, errors) == (1, ["error: images/02.png: has no label in labels.csv"])


def test_predicts_the_others(folder: Path, predict: Predict) -> None:
    for number in range(2):
        Image.fromarray(draw_seven()).save(folder / f"0{number}.png")
    (folder / "text.png").write_text("text")
    (folder / "cut.png").write_bytes((folder / "00.png").read_bytes()[:60])
    (folder / "none").mkdir()
    Image.new("L", (90, 90), 200).save(folder / "plain.png")
    names = ["text.png", "00.png", "cut.png", "none", "missing.png", "plain.png", "01.png"]
    status, output, errors = predict("--json", *names)
    assert [json.loads(line)["file"] for line in output.splitlines()] == ["00.png", "01.png"]
    assert [line.split(": ")[1] for line in errors] == ["none", "text.png", "cut.png", "missing.png", "plain.png"]
    assert "error: missing.png: No such file or directory" in errors
    assert "error: plain.png: empty: no ink differs from the background" in errors
    assert status == 1


def test_control_characters_stay_in_their_line(folder: Path, predict: Predict) -> None:
    save_images(folder, [3])
    name = "a\nb\x1b[31m.png"
    (folder / "00.png").rename(folder / name)
    (folder / "c\nd\udcff.png").touch()
    _, output, errors = predict("--as-is", name, "c\nd\udcff.png")
    assert output.splitlines()[1].startswith(r"a\nb\x1b[31m.png  3 ")
    assert errors == [r"error: c\nd\udcff.png: an empty file"]
    assert json.loads(predict("--as-is", "--json", name).output)["file"] == name


def test_reads_standard_input(folder: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    save_images(folder, [3])
    monkeypatch.setattr("predict.preparation.MANY", 1)  # never in another process
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((folder / "00.png").read_bytes())))
    assert predict("--as-is", "-").output.splitlines()[1].split()[:2] == ["-", "3"]


def test_rejects_model_and_labels(folder: Path, predict: Predict) -> None:
    assert predict("--labels", "none.csv", "a.png") == (1, "", ["error: none.csv: No such file or directory"])
    [error] = predict("--model", "none.onnx", "a.png").errors
    assert error == "error: none.onnx: No such file or directory; run dvc pull, or dvc repro"
    (folder / "models/mlp.onnx").write_text("text")
    status, output, [error] = predict("a.png")
    assert (status, output) == (1, "")
    assert error.startswith("error: models/mlp.onnx: not an ONNX model (")


@pytest.mark.parametrize("arguments", [[], ["--labels"], ["--json", "--show", "a.png"]], ids=str)
def test_rejects_arguments(folder: Path, predict: Predict, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        predict(*arguments)
    assert caught.value.code == 2


def test_closed_pipe_is_quiet(folder: Path) -> None:
    save_images(folder / "images", [3] * 300)
    process = run_shell("--json images images images images images | head -n 1")
    assert process.stdout.count("\n") == 1
    assert process.stderr == ""


def test_full_disk_is_one_line(folder: Path) -> None:
    save_images(folder, [3])
    process = run_shell("00.png >/dev/full")
    assert (process.returncode, process.stderr) == (1, "error: standard output: No space left on device\n")


def test_starts_without_slow_imports(folder: Path) -> None:
    save_images(folder, [3])
    process = run_shell("00.png", python="-X importtime")
    assert process.returncode == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in process.stderr.splitlines()}
    assert {"numpy", "onnxruntime", "PIL"} <= imported
    assert not imported & {"torch", "pandas", "sklearn", "scipy", "dvc", "pydantic", "stages"}


@needs_mnist
def test_images_of_mnist_give_the_predictions_of_evaluate(mnist_run: Clone, folder: Path, predict: Predict) -> None:
    rows = np.loadtxt(mnist_run.folder / "metrics/predictions.csv", int, delimiter=",", skiprows=1)[:1000]
    for number, (image, (label, _)) in enumerate(zip(read_mnist()[0], rows, strict=False)):
        Path(f"images/{label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(f"images/{label}/{number}.png", compress_level=1)
    arguments = ("--json", "--model", str(mnist_run.folder / "models/mlp.onnx"))
    *lines, summary = map(json.loads, predict("--as-is", "--labels", "images", *arguments).output.splitlines())
    predictions = {int(Path(line["file"]).stem): int(line["class"]) for line in lines}
    assert [predictions[number] for number in range(1000)] == rows[:, 1].tolist()
    assert (summary["accuracy"], summary["images"]) == ((rows[:, 0] == rows[:, 1]).mean(), 1000)
    some = lines[::5]
    prepared = map(json.loads, predict(*arguments, *(line["file"] for line in some)).output.splitlines())
    assert np.mean([line["class"] == other["class"] for line, other in zip(some, prepared, strict=True)]) > 0.97
