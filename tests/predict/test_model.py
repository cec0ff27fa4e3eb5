from pathlib import Path

import numpy as np
import pytest

from predict.errors import PredictError
from predict.model import Model, read_model
from tests.predict.conftest import METADATA, build_model, make_image

IMAGES = np.stack([make_image(label) for label in range(10)])


def test_predicts_probabilities() -> None:
    probabilities = Model(build_model()).predict(IMAGES)
    assert probabilities.argmax(axis=1).tolist() == list(range(10))
    assert np.allclose(probabilities.sum(axis=1), 1)


def test_reads_metadata() -> None:
    names = '["a", "b", "c", "d", "e", "f", "g", "h", "i", "\\u304a"]'
    metadata = Model(build_model({"classes": names, "ink_size": "28", "ink_center": "box"})).metadata
    assert metadata == (list("abcdefghiお"), 28, "box")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an ONNX model"),
        (b"text", "not an ONNX model"),
        (build_model()[:-3000], "not an ONNX model"),
        (build_model(inputs="pixel"), "has {'pixel': ('tensor(uint8)', [28, 28])}, must have {'images': "),
        (build_model(outputs=9), "has {'logits': ('tensor(float)', [9])"),
        (build_model({**METADATA, "classes": "[1]"}), "metadata: classes: must be a JSON list of 10 names"),
        (build_model({**METADATA, "classes": "0123"}), "metadata: classes: must be a JSON list of 10 names"),
        (build_model({**METADATA, "ink_size": "29"}), "metadata: ink_size: 29: must be 1 to 28"),
        (build_model({**METADATA, "ink_center": "top"}), "metadata: ink_center: top: must be mass or box"),
    ],
    ids=["empty", "text", "truncated", "input", "outputs", "one class", "no JSON", "ink_size", "ink_center"],
)
def test_rejects(data: bytes, message: str) -> None:
    with pytest.raises(PredictError) as caught:
        Model(data)
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith("; run dvc repro")
    assert "\n" not in str(caught.value)


def test_rejects_probabilities_that_are_not_finite() -> None:
    model = build_model()
    one = np.float32(1 / 28 / 16).tobytes()
    with pytest.raises(PredictError, match=r"^the model gives no probabilities"):
        Model(model.replace(one, np.float32(np.nan).tobytes())).predict(IMAGES)


def test_rejects_large_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("predict.model.MAX_BYTES", 1000)
    with pytest.raises(PredictError, match=r"^has more than 1,000 bytes$"):
        read_model(Path("/dev/zero"))
