"""Fixtures: pictures of a digit, a model that sees where the ink is, and the command in this process."""

import gzip
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

from predict.__main__ import main
from tests.conftest import MNIST_MIRROR

METADATA = {"classes": json.dumps([str(digit) for digit in range(10)]), "ink_size": "20", "ink_center": "mass"}


class Result(NamedTuple):
    """The exit status, standard output, and the lines on standard error."""

    status: int
    output: str
    errors: list[str]


Predict = Callable[..., Result]


def build_model(
    metadata: dict[str, str] = METADATA,
    inputs: str = "images",
    shape: Sequence[int | str] = (28, 28),
    outputs: int = 10,
) -> bytes:
    """Build a network whose logit of class c is the mean of row 2 * c, divided by 16."""
    height, *row = [side if isinstance(side, int) else 28 for side in shape]
    weight = np.eye(height, dtype=np.float32)[:, : 2 * outputs : 2].repeat(math.prod(row), axis=0)
    weight /= np.float32(math.prod(row) * 16)
    nodes = [
        helper.make_node("Cast", [inputs], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    images = helper.make_tensor_value_info(inputs, TensorProto.UINT8, ["n", *shape])
    results = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", outputs]) for name in ("logits", "probabilities")
    ]
    graph = helper.make_graph(nodes, "test", [images], results, [numpy_helper.from_array(weight, "weight")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    helper.set_model_props(model, metadata)
    return bytes(model.SerializeToString())


def make_image(label: int) -> NDArray[np.uint8]:
    """Make an image that the model of `build_model` predicts as `label`: row 2 * label is light."""
    image = np.zeros((28, 28), np.uint8)
    image[2 * label, 4:24] = 255
    return image


def draw_seven(size: tuple[int, int] = (200, 240), corner: tuple[int, int] = (60, 80)) -> NDArray[np.uint8]:
    """Draw a 7, 80 wide and 120 high, light on dark."""
    picture = Image.new("L", size)
    x, y = corner
    ImageDraw.Draw(picture).line([(x, y), (x + 80, y), (x + 30, y + 120)], fill=255, width=12, joint="curve")
    return np.asarray(picture)


def read_mnist() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the images, (10000, 28, 28), and labels, (10000,), of MNIST's test set."""
    images, labels = (
        np.frombuffer(gzip.decompress(Path(MNIST_MIRROR, f"t10k-{name}-ubyte.gz").read_bytes()), np.uint8)
        for name in ("images-idx3", "labels-idx1")
    )
    return images[16:].reshape(-1, 28, 28), labels[8:]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with a model."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models/mlp.onnx").write_bytes(build_model())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def predict(capfd: pytest.CaptureFixture[str]) -> Predict:
    """Return a function that runs the command."""

    def run(*arguments: str) -> Result:
        capfd.readouterr()
        status = main(arguments)
        output, errors = capfd.readouterr()
        return Result(status, output, errors.splitlines())

    return run
