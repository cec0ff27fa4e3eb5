"""An ONNX graph that grows node by node, and what the functions that add the nodes of a layer have in common."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

from stages.shared.errors import StageError

Constant = Tensor | NDArray[Any] | float | list[int]


class Graph:
    """Nodes in the order of computation, and the constants that they use."""

    def __init__(self) -> None:
        """Start with an empty graph."""
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, operator: str, *inputs: str | Constant | None, **attributes: Any) -> str:
        """Add a node of https://onnx.ai/onnx/operators, and return the name of its output.

        Inputs are names of outputs, or constants; None is left out.
        """
        output = f"{operator.lower()}{len(self.nodes) + 1}"
        names = [
            value if isinstance(value, str) else self._add_constant(f"{output}.{position}", value)
            for position, value in enumerate(inputs)
            if value is not None
        ]
        self.nodes.append(helper.make_node(operator, names, [output], **attributes))
        return output

    def _add_constant(self, name: str, value: Constant) -> str:
        if isinstance(value, Tensor):
            array = value.detach().numpy()
        else:
            array = np.asarray(value, np.float32 if isinstance(value, float) else None)
        self.constants.append(numpy_helper.from_array(array, name))
        return name


class Values(NamedTuple):
    """What is between two layers: its name in the graph, and what PyTorch computes there for a few images."""

    name: str
    sample: Tensor


# Adds the nodes of a layer, whose inputs are the third argument; returns the name of its outputs.
AddNodes = Callable[[Graph, Any, Values], str]


def missing(layer: nn.Module, option: str = "") -> StageError:
    """Say that no function adds the nodes of a layer, or none with that option."""
    kind = type(layer)
    if kind.__module__.startswith("torch.nn."):
        name, advice = f"nn.{kind.__name__}{option and f' with {option}'}", ""
    else:
        name, advice = f"{kind.__name__}, a module with its own forward,", "build it as nn.Sequential, or "
    return StageError(
        f"models/mlp.onnx: {name} cannot be exported; {advice}add it to LAYERS in stages/shared/onnx_layers.py"
    )
