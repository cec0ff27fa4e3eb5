"""The layers of a network as nodes of an ONNX graph.

To export another layer, write a function that adds its nodes, and add it to LAYERS. This is so for a module of your
own, too: its function calls `add_layer` for each module within it.
"""

import math

import torch
from torch import nn

from stages.shared.onnx_graph import AddNodes, Graph, Values, missing
from stages.shared.onnx_windows import avg_pool2d, conv2d, global_avg_pool2d, max_pool2d


def add_layer(graph: Graph, layer: nn.Module, inputs: Values) -> Values:
    """Add the nodes of a layer, in evaluation mode.

    Raises:
        StageError: LAYERS has no function for it, or not for its options.
    """
    for kind, add_nodes in LAYERS.items():
        if isinstance(layer, kind) and type(layer).forward is kind.forward:
            return Values(add_nodes(graph, layer, inputs), layer(inputs.sample))
    raise missing(layer)


def sequential(graph: Graph, layers: nn.Sequential, inputs: Values) -> str:
    """Add the nodes of each layer."""
    for layer in layers:
        inputs = add_layer(graph, layer, inputs)
    return inputs.name


def nothing(_graph: Graph, _layer: nn.Module, inputs: Values) -> str:
    """Add nothing: in evaluation mode, the layer changes nothing."""
    return inputs.name


def one_node(operator: str, **attributes: str) -> AddNodes:
    """Make the function of a layer that is one node, with attributes of the layer by their names in ONNX."""

    def add_nodes(graph: Graph, layer: nn.Module, inputs: Values) -> str:
        values = {name: getattr(layer, attribute) for name, attribute in attributes.items()}
        return graph.add(operator, inputs.name, **values)

    return add_nodes


def flatten(graph: Graph, layer: nn.Flatten, inputs: Values) -> str:
    """Add Flatten, or Reshape if not all axes are flattened."""
    count, *shape = layer(inputs.sample).shape
    if count != len(inputs.sample):
        raise missing(layer, f"start_dim={layer.start_dim}")
    if len(shape) == 1:
        return graph.add("Flatten", inputs.name, axis=1)
    return graph.add("Reshape", inputs.name, [0, *shape])  # 0 keeps the number of images


def linear(graph: Graph, layer: nn.Linear, inputs: Values) -> str:
    """Add Gemm, or MatMul and Add for inputs of more than two axes."""
    if inputs.sample.ndim == 2:
        return graph.add("Gemm", inputs.name, layer.weight, layer.bias, transB=1)
    product = graph.add("MatMul", inputs.name, layer.weight.T)
    return product if layer.bias is None else graph.add("Add", product, layer.bias)


def gelu(graph: Graph, layer: nn.GELU, inputs: Values) -> str:
    """Add 0.5 x (1 + erf(x / √2)), or 0.5 x (1 + tanh(√(2 / π) (x + 0.044715 x³))): torch's two formulas."""
    x = inputs.name
    if layer.approximate == "tanh":
        cube = graph.add("Mul", graph.add("Mul", x, x), x)
        total = graph.add("Add", x, graph.add("Mul", cube, 0.044715))
        curve = graph.add("Tanh", graph.add("Mul", total, math.sqrt(2 / math.pi)))
    else:
        curve = graph.add("Erf", graph.add("Mul", x, math.sqrt(0.5)))
    return graph.add("Mul", graph.add("Mul", x, 0.5), graph.add("Add", curve, 1.0))


def batch_norm(graph: Graph, layer: nn.BatchNorm2d, inputs: Values) -> str:
    """Add BatchNormalization, with the running statistics."""
    mean, variance = layer.running_mean, layer.running_var
    if mean is None or variance is None:
        raise missing(layer, "track_running_stats=False")
    weight = torch.ones_like(mean) if layer.weight is None else layer.weight
    bias = torch.zeros_like(mean) if layer.bias is None else layer.bias
    return graph.add("BatchNormalization", inputs.name, weight, bias, mean, variance, epsilon=layer.eps)


LAYERS: dict[type[nn.Module], AddNodes] = {
    nn.Sequential: sequential,
    nn.Identity: nothing,
    nn.Dropout: nothing,
    nn.Dropout2d: nothing,
    nn.Flatten: flatten,
    nn.Linear: linear,
    nn.Conv2d: conv2d,
    nn.BatchNorm1d: batch_norm,
    nn.BatchNorm2d: batch_norm,
    nn.MaxPool2d: max_pool2d,
    nn.AvgPool2d: avg_pool2d,
    nn.AdaptiveAvgPool2d: global_avg_pool2d,
    nn.ReLU: one_node("Relu"),
    nn.LeakyReLU: one_node("LeakyRelu", alpha="negative_slope"),
    nn.GELU: gelu,
    nn.Tanh: one_node("Tanh"),
    nn.Sigmoid: one_node("Sigmoid"),
    nn.Softmax: one_node("Softmax", axis="dim"),
}
