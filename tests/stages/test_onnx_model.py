import json

import numpy as np
import onnx
import pytest

from stages.normalize import normalize
from stages.shared.classifier import DATASETS, Classifier
from stages.shared.onnx_model import IR_VERSION, OPSET, build_model
from stages.shared.parameters import DatasetName
from tests.stages.networks import (
    make_classifier,
    make_images,
    make_network,
    open_model,
    run_model,
    run_network,
)

SHAPES = [(), (1,), (128, 64), (5,) * 8]
each_shape = pytest.mark.parametrize("hidden_sizes", SHAPES, ids=str)


@each_shape
@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (0.1307, 0.3081)])
def test_predictions_are_those_of_torch(hidden_sizes: tuple[int, ...], mean: float, std: float) -> None:
    network, images = make_network(*hidden_sizes), make_images(50)
    actual = run_model(build_model(make_classifier(network, mean=mean, std=std)), images)
    expected = run_network(network, normalize(images, mean, std))
    np.testing.assert_array_equal(actual.logits.argmax(axis=1), expected.logits.argmax(axis=1))
    np.testing.assert_array_equal(actual.probabilities.argmax(axis=1), expected.logits.argmax(axis=1))
    np.testing.assert_allclose(actual.probabilities, expected.probabilities, rtol=0, atol=1e-5, strict=True)
    np.testing.assert_allclose(actual.logits, expected.logits, rtol=1e-5, atol=1e-5, strict=True)


@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (0.1307, 0.3081), (-1e6, 1e-6)])
def test_pixels_are_normalized_to_the_last_bit(mean: float, std: float) -> None:
    """By a network whose logits are ten of the pixels."""
    images = np.arange(256, dtype=np.uint8).repeat(784).reshape(256, 28, 28)
    layers = [(np.eye(10, 784, k=100, dtype=np.float32), np.zeros(10, np.float32))]
    logits = run_model(build_model(Classifier(layers, "mnist", mean, std)), images).logits
    np.testing.assert_array_equal(logits, normalize(images, mean, std).reshape(256, 784)[:, 100:110], strict=True)


@pytest.mark.parametrize("count", [0, 1])
def test_runs_on_few_images(count: int) -> None:
    outputs = run_model(build_model(make_classifier(make_network(8))), make_images(count))
    assert [output.shape for output in outputs] == [(count, 10)] * 2
    assert [output.dtype for output in outputs] == [np.float32] * 2


def test_inputs_and_outputs_have_names_and_shapes() -> None:
    session = open_model(build_model(make_classifier(make_network(8))))
    described = [(part.name, part.type, part.shape) for part in (*session.get_inputs(), *session.get_outputs())]
    assert described == [
        ("images", "tensor(uint8)", ["n", 28, 28]),
        ("logits", "tensor(float)", ["n", 10]),
        ("probabilities", "tensor(float)", ["n", 10]),
    ]


@each_shape
def test_passes_the_checker_of_onnx(hidden_sizes: tuple[int, ...]) -> None:
    model = onnx.load_model_from_string(build_model(make_classifier(make_network(*hidden_sizes))))
    onnx.checker.check_model(model, full_check=True)
    assert [opset.version for opset in model.opset_import] == [OPSET]
    assert model.ir_version == IR_VERSION


def test_opset_and_ir_version_are_those_of_onnx_1_8() -> None:
    [versions] = [versions for release, *versions in onnx.helper.VERSION_TABLE if release == "1.8.0"]
    assert versions[:2] == [IR_VERSION, OPSET]


@pytest.mark.parametrize("dataset", DATASETS)
def test_metadata_describe_the_classifier(dataset: DatasetName) -> None:
    classifier = make_classifier(make_network(32, 16), dataset, mean=0.1307, std=1e-05)
    metadata = open_model(build_model(classifier)).get_modelmeta().custom_metadata_map
    assert tuple(json.loads(metadata.pop("classes"))) == classifier.classes
    assert metadata == {
        "dataset": dataset,
        "mean": "0.1307",
        "std": "1e-05",
        "layers": "784-32-16-10",
        "ink_size": str(classifier.ink_size),
        "ink_center": classifier.ink_center,
    }


def test_bytes_depend_only_on_the_classifier() -> None:
    first, same, other = (build_model(make_classifier(make_network(8), mean=mean)) for mean in (0.5, 0.5, 0.25))
    assert first == same != other
