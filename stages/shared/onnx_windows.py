"""Layers that move a window over images, convolution and pooling, as nodes of an ONNX graph: see onnx_layers.py."""

from torch import nn

from stages.shared.onnx_graph import Graph, Values, missing


def conv2d(graph: Graph, layer: nn.Conv2d, inputs: Values) -> str:
    """Add Conv, after Pad where the padding is not zeros."""
    if isinstance(layer.padding, str):
        totals = [
            d * (k - 1) * (layer.padding == "same") for d, k in zip(layer.dilation, layer.kernel_size, strict=True)
        ]
    else:
        totals = [2 * padding for padding in layer.padding]
    begins = [total // 2 for total in totals]
    ends = [total - begin for total, begin in zip(totals, begins, strict=True)]
    name, pads = inputs.name, [*begins, *ends]
    if layer.padding_mode != "zeros":
        mode = {"reflect": "reflect", "replicate": "edge"}.get(layer.padding_mode)
        if mode is None:
            raise missing(layer, f"padding_mode={layer.padding_mode!r}")
        name, pads = graph.add("Pad", name, [0, 0, *begins, 0, 0, *ends], mode=mode), [0] * len(pads)
    attributes = {"strides": layer.stride, "pads": pads, "dilations": layer.dilation, "group": layer.groups}
    return graph.add("Conv", name, layer.weight, layer.bias, **attributes)


def max_pool2d(graph: Graph, layer: nn.MaxPool2d, inputs: Values) -> str:
    """Add MaxPool."""
    if layer.return_indices:
        raise missing(layer, "return_indices=True")
    return graph.add("MaxPool", inputs.name, dilations=pair(layer.dilation), **list_windows(layer, inputs))


def avg_pool2d(graph: Graph, layer: nn.AvgPool2d, inputs: Values) -> str:
    """Add AveragePool."""
    if layer.divisor_override is not None:
        raise missing(layer, "divisor_override")
    windows, padding = list_windows(layer, inputs), pair(layer.padding)
    counts_padding = layer.count_include_pad and any(padding)
    if counts_padding and windows["pads"] != [*padding, *padding]:  # torch does not count what ceil_mode adds
        raise missing(layer, "padding and ceil_mode, without count_include_pad=False")
    return graph.add("AveragePool", inputs.name, count_include_pad=int(counts_padding), **windows)


def list_windows(layer: nn.MaxPool2d | nn.AvgPool2d, inputs: Values) -> dict[str, list[int]]:
    """List kernel_shape, strides and pads. ONNX's ceil_mode differs from torch's: what that adds is padding here."""
    kernel, strides, padding = pair(layer.kernel_size), pair(layer.stride), pair(layer.padding)
    reach = [d * (k - 1) + 1 for d, k in zip(pair(getattr(layer, "dilation", 1)), kernel, strict=True)]
    outputs = layer(inputs.sample).shape[2:]
    sizes = zip(inputs.sample.shape[2:], outputs, reach, strides, padding, strict=True)
    ends = [max(pad, (output - 1) * stride + r - size - pad) for size, output, r, stride, pad in sizes]
    return {"kernel_shape": kernel, "strides": strides, "pads": [*padding, *ends]}


def global_avg_pool2d(graph: Graph, layer: nn.AdaptiveAvgPool2d, inputs: Values) -> str:
    """Add GlobalAveragePool, which is an output size of 1."""
    if layer.output_size not in (1, (1, 1), [1, 1]):
        raise missing(layer, f"output_size={layer.output_size}")
    return graph.add("GlobalAveragePool", inputs.name)


def pair(value: int | tuple[int, ...]) -> list[int]:
    """Return an option of a layer for both axes of an image."""
    return [value, value] if isinstance(value, int) else list(value)
