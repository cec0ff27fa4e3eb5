"""The network as an ONNX model, with its normalization and softmax, and with what a picture must look like."""

import json

import numpy as np
import onnxruntime
import torch
from onnx import ModelProto, TensorProto, helper
from torch import nn

from stages.shared.datasets import Dataset
from stages.shared.errors import StageError, to_line
from stages.shared.onnx_graph import Graph, Values
from stages.shared.onnx_layers import add_layer

# Opset 13 is the first whose Softmax is over one axis, as in torch; it came with IR version 7, in ONNX 1.8. All layers
# of onnx_layers.py can be written in it, and onnxruntime 1.6 or newer runs it.
OPSET = 13
IR_VERSION = 7
SAMPLES = 2  # images that show the shapes between layers
SILENT = 4  # of onnxruntime, which would log errors that are raised, too
TOLERANCE = 1e-3  # of logits, relative to the largest; those of float32 agree within 1e-5


@torch.no_grad()
def build_model(network: nn.Module, dataset: Dataset, temperature: float = 1) -> ModelProto:
    """Build a model from `images` to `logits` and `probabilities`, which are float32 of shape (n, classes).

    Images are uint8 of shape (n, height, width) if the data set has one channel, else (n, height, width, channels). n
    may be 0. The bytes of the model depend on nothing but the arguments. The temperature is left to whoever shows
    probabilities: it is in the metadata.

    Raises:
        StageError: the network has a layer that cannot be exported, or gives other outputs than a logit for each class.
    """
    graph = Graph()
    pixels = graph.add("Div", graph.add("Cast", "images", to=TensorProto.FLOAT), 255.0)
    normalized = graph.add("Div", graph.add("Sub", pixels, dataset.mean), dataset.std)  # as stages/normalize.py does
    if dataset.channels == 1:
        name, shape = graph.add("Unsqueeze", normalized, [1]), []
    else:
        name, shape = graph.add("Transpose", normalized, perm=[0, 3, 1, 2]), [dataset.channels]
    sample = torch.zeros(SAMPLES, dataset.channels, dataset.height, dataset.width)
    outputs = add_layer(graph, network, Values(name, sample)).sample
    classes = len(dataset.classes)
    if outputs.shape != (SAMPLES, classes):
        raise StageError(f"models/mlp.onnx: outputs are {list(outputs.shape[1:])}, must be {classes}: a logit a class")
    graph.nodes[-1].output[0] = "logits"
    graph.add("Softmax", "logits", axis=1)
    graph.nodes[-1].output[0] = "probabilities"

    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", dataset.height, dataset.width, *shape])
    results = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", classes]) for name in ("logits", "probabilities")
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "network", [images], results, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="mnist-pipeline",
    )
    helper.set_model_props(model, describe(network, dataset, temperature))
    return model


def describe(network: nn.Module, dataset: Dataset, temperature: float) -> dict[str, str]:
    """List the metadata. Those of ink are missing where images are not ink on a plain background."""
    metadata = {
        "dataset": dataset.name,
        "classes": json.dumps(dataset.classes, ensure_ascii=False),
        "mean": str(dataset.mean),
        "std": str(dataset.std),
        "layers": describe_layers(network),
        "temperature": str(temperature),
        "parameters": str(sum(weight.numel() for weight in network.parameters())),
    }
    if dataset.ink_size is not None:
        metadata |= {"ink_size": str(dataset.ink_size), "ink_center": str(dataset.ink_center)}
    return metadata


def describe_layers(network: nn.Module) -> str:
    """List the layers, with the number of their outputs where they have one: "Flatten, Linear 128, ReLU"."""
    modules = network.named_modules(remove_duplicate=False)  # one that is used twice is two layers
    layers = [module for _, module in modules if not list(module.children())]
    outputs = [getattr(layer, "out_features", getattr(layer, "out_channels", "")) for layer in layers]
    return ", ".join(f"{type(layer).__name__} {count}".rstrip() for layer, count in zip(layers, outputs, strict=True))


@torch.no_grad()
def check_model(model: ModelProto, network: nn.Module, dataset: Dataset) -> None:
    """Compare the logits of random images with those of PyTorch.

    Raises:
        StageError: they differ, or the model does not run.
    """
    shape = [SAMPLES, dataset.height, dataset.width, dataset.channels]
    images = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    normalized = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - dataset.mean) / dataset.std
    expected = network(normalized)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        [logits] = session.run(["logits"], {"images": images.squeeze(3) if dataset.channels == 1 else images})
    except Exception as error:  # noqa: BLE001 - the base class of onnxruntime's errors
        raise StageError(
            f"models/mlp.onnx: does not run: {to_line(str(error), 100)}; correct stages/shared/onnx_layers.py"
        ) from None
    difference = float((torch.from_numpy(logits) - expected).abs().max() / expected.abs().max())
    if difference > TOLERANCE:
        raise StageError(
            f"models/mlp.onnx: logits differ from PyTorch's by {difference:.0%}; correct stages/shared/onnx_layers.py"
        )
