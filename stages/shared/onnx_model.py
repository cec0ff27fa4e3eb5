"""The classifier as an ONNX model, with its normalization and softmax."""

import json

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from stages.shared.classifier import Classifier
from stages.shared.shapes import CLASSES, IMAGE_SIZE

# Opset 13 is the first whose Softmax is over one axis, as in torch; it came with IR version 7, in ONNX 1.8. No operator
# of the model has changed in what it computes since, and onnxruntime 1.6 or newer runs it.
OPSET = 13
IR_VERSION = 7


def build_model(classifier: Classifier) -> bytes:
    """Build a model from `images`, uint8 (n, 28, 28), to `logits` and `probabilities`, float32 (n, 10). n may be 0.

    Its metadata say what the classes are and how a picture is prepared. Its bytes depend on nothing but the classifier.
    """
    constants = {"maximum": np.float32(255), "mean": np.float32(classifier.mean), "std": np.float32(classifier.std)}
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    for number, (weight, bias) in enumerate(classifier.layers, start=1):
        tensors.append(numpy_helper.from_array(weight, f"weight{number}"))
        tensors.append(numpy_helper.from_array(bias, f"bias{number}"))
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", IMAGE_SIZE, IMAGE_SIZE])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", CLASSES]) for name in ("logits", "probabilities")
    ]
    graph = helper.make_graph(_list_nodes(len(classifier.layers)), "mlp", [images], outputs, tensors)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="mnist-pipeline",
    )
    helper.set_model_props(model, _describe(classifier))
    return bytes(model.SerializeToString(deterministic=True))


def _list_nodes(layers: int) -> list[NodeProto]:
    """List the operations: those of stages/normalize.py in their order, then the layers."""
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["pixels", "maximum"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "mean"], ["centered"]),
        helper.make_node("Div", ["centered", "std"], ["normalized"]),
        helper.make_node("Flatten", ["normalized"], ["output0"]),
    ]
    for number in range(1, layers):
        gemm = [f"output{number - 1}", f"weight{number}", f"bias{number}"]
        nodes.append(helper.make_node("Gemm", gemm, [f"linear{number}"], transB=1))
        nodes.append(helper.make_node("Relu", [f"linear{number}"], [f"output{number}"]))
    last = [f"output{layers - 1}", f"weight{layers}", f"bias{layers}"]
    nodes.append(helper.make_node("Gemm", last, ["logits"], transB=1))
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"]))
    return nodes


def _describe(classifier: Classifier) -> dict[str, str]:
    return {
        "dataset": classifier.dataset,
        "classes": json.dumps(classifier.classes, ensure_ascii=False),
        "mean": str(classifier.mean),
        "std": str(classifier.std),
        "layers": classifier.sizes,
        "ink_size": str(classifier.ink_size),
        "ink_center": classifier.ink_center,
    }
