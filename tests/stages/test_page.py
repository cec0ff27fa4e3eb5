import base64
import hashlib
import json
import re
from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper

from stages.shared.datasets import DATASETS, Dataset
from stages.shared.onnx_model import build_model
from stages.shared.page import build_page
from tests.stages.conftest import DATASET, make_parameters
from tests.stages.networks import build_mlp


def make_page(dataset: Dataset = DATASET) -> str:
    return build_page(build_model(build_mlp(dataset, make_parameters()), dataset))


def find(page: str, pattern: str) -> str:
    match = re.search(pattern, page, re.DOTALL)
    assert match
    return match[1]


def read_json(page: str) -> dict[str, Any]:
    return dict(json.loads(find(page, r'<script type="application/json" id="model">(.*?)</script>')))


def test_contains_the_nodes_and_exact_constants_of_the_model() -> None:
    model = build_model(build_mlp(DATASET, make_parameters()), DATASET)
    content = read_json(build_page(model))
    assert [node["operator"] for node in content["nodes"]] == [node.op_type for node in model.graph.node]
    assert content["constants"].keys() == {tensor.name for tensor in model.graph.initializer}
    for tensor in model.graph.initializer:
        expected, encoded = numpy_helper.to_array(tensor), content["constants"][tensor.name]
        values = encoded["values"]
        actual = np.frombuffer(base64.b64decode(values), "<f4") if isinstance(values, str) else np.array(values)
        np.testing.assert_array_equal(actual.reshape(encoded["shape"]), expected)


def test_policy_names_the_script_and_the_style() -> None:
    page = make_page()
    policy = find(page, r'http-equiv="Content-Security-Policy" content="([^"]*)"')
    hashes = [
        base64.b64encode(hashlib.sha256(find(page, pattern).encode()).digest()).decode()
        for pattern in (r"<script>(.*?)</script>", r"<style>(.*?)</style>")
    ]
    script, style = hashes
    assert policy == f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:"


def test_refers_to_no_other_file() -> None:
    page = make_page()
    assert re.findall(r'\b(?:href|src|srcset|action)="([^"]*)"', page) == ["data:,"]
    without_comments = re.sub(r"// .*", "", page)
    assert "://" not in without_comments
    assert "url(" not in page
    assert "@import" not in page


def test_says_what_the_network_is() -> None:
    page = make_page(DATASET.model_copy(update={"mean": 0.1307, "std": 0.3081, "width": 32}))
    layers = "Flatten, Linear 128, ReLU, Linear 64, ReLU, Linear 10"
    texts = ("MNIST", layers, "123,722", "(x / 255 - 0.1307) / 0.3081", "20 x 20", "32 x 28", "center of mass")
    for text in (*texts, "its 10 classes"):
        assert text in page


@pytest.mark.parametrize("name", [*DATASETS, "my pictures"])
def test_has_classes_and_ink_of_each_data_set(name: str) -> None:
    known = DATASETS.get(name, DATASETS["mnist"])
    changes = {"name": name, "classes": known.classes, "ink_size": known.ink_size, "ink_center": known.ink_center}
    page = make_page(DATASET.model_copy(update=changes))
    content = read_json(page)
    assert content["classes"] == list(known.classes)
    assert content["ink"] == {"size": known.ink_size, "center": known.ink_center}
    assert ("my pictures" in page) == (name == "my pictures")


def test_classes_cannot_end_the_script() -> None:
    classes = ("</script><script>alert(1)</script>", "<!--")
    page = make_page(DATASET.model_copy(update={"classes": classes}))
    assert read_json(page)["classes"] == list(classes)
