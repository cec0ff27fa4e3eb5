import base64
import hashlib
import json
import re

import numpy as np
import pytest

from stages.shared.classifier import DATASETS, Classifier
from stages.shared.page import build_page
from stages.shared.parameters import DatasetName
from tests.stages.networks import make_classifier, make_network


def find(page: str, pattern: str) -> str:
    match = re.search(pattern, page, re.DOTALL)
    assert match
    return match[1]


def read_json(page: str) -> dict[str, object]:
    return dict(json.loads(find(page, r'<script type="application/json" id="classifier">(.*?)</script>')))


def test_contains_exact_weights() -> None:
    classifier = make_classifier(make_network(16))
    layers = read_json(build_page(classifier))["layers"]
    assert isinstance(layers, list)
    for layer, tensors in zip(layers, classifier.layers, strict=True):
        for name, tensor in zip(("weight", "bias"), tensors, strict=True):
            values = np.frombuffer(base64.b64decode(layer[name]), "<f4")
            assert values.tobytes() == tensor.astype("<f4").tobytes()


def test_second_build_gives_the_same_page() -> None:
    assert build_page(make_classifier(make_network(16))) == build_page(make_classifier(make_network(16)))


def test_policy_names_the_script_and_the_style() -> None:
    page = build_page(make_classifier(make_network(16)))
    policy = find(page, r'http-equiv="Content-Security-Policy" content="([^"]*)"')
    hashes = [
        base64.b64encode(hashlib.sha256(find(page, pattern).encode()).digest()).decode()
        for pattern in (r"<script>(.*?)</script>", r"<style>(.*?)</style>")
    ]
    script, style = hashes
    assert policy == f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:"


def test_refers_to_no_other_file() -> None:
    page = build_page(make_classifier(make_network(16)))
    assert re.findall(r'\b(?:href|src|srcset|action)="([^"]*)"', page) == ["data:,"]
    assert "://" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_says_what_the_network_is() -> None:
    page = build_page(make_classifier(make_network(128, 64), mean=0.1307, std=0.3081))
    for text in ("MNIST", "784-128-64-10", "109,386", "(x / 255 - 0.1307) / 0.3081", "20 x 20", "center of mass"):
        assert text in page


@pytest.mark.parametrize("dataset", DATASETS)
def test_has_classes_of_each_data_set(dataset: DatasetName) -> None:
    classifier = make_classifier(make_network(16), dataset)
    content = read_json(build_page(classifier))
    assert content["classes"] == list(classifier.classes)
    assert (content["inkSize"], content["inkCenter"]) == (classifier.ink_size, classifier.ink_center)


def test_classes_cannot_end_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = ("</script><script>alert(1)</script>", "<!--", *"23456789")
    monkeypatch.setattr(Classifier, "classes", classes)
    assert read_json(build_page(make_classifier(make_network(16))))["classes"] == list(classes)
