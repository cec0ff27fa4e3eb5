"""A linear layer for portable numerics: nn.Linear with numpy's matrix products.

Torch's own have the same bits on every processor only in a mode of MKL that takes twice as long or more; those of
numpy's OpenBLAS have them with one kernel, which is fast (see numerics.py).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class PortableLinear(nn.Linear):
    """An nn.Linear on the CPU whose products, and those of its gradients, are numpy's."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs of shape (..., in_features) to outputs of shape (..., out_features)."""
        outputs: Tensor = _Product.apply(inputs, self.weight)  # type: ignore[no-untyped-call]
        return outputs if self.bias is None else outputs + self.bias


class _Product(torch.autograd.Function):
    """inputs @ weight.T, of shape (..., outputs)."""

    @staticmethod
    @np.errstate(over="ignore", invalid="ignore")  # inf and NaN without a warning, as in torch
    def forward(ctx: Any, inputs: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return torch.from_numpy(inputs.numpy() @ weight.numpy().T)

    @staticmethod
    @once_differentiable
    @np.errstate(over="ignore", invalid="ignore")
    def backward(ctx: Any, outputs_gradient: Tensor) -> tuple[Tensor | None, Tensor]:
        inputs, weight = (tensor.numpy() for tensor in ctx.saved_tensors)
        gradient = outputs_gradient.numpy()
        inputs_gradient = torch.from_numpy(gradient @ weight) if ctx.needs_input_grad[0] else None
        rows = gradient.reshape(-1, weight.shape[0])
        return inputs_gradient, torch.from_numpy(rows.T @ inputs.reshape(-1, weight.shape[1]))
