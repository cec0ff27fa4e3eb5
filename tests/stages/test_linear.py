import numpy as np
import pytest
import torch
from torch import Tensor, nn

from stages.shared.linear import PortableLinear


def make_layers(*, bias: bool = True, dtype: torch.dtype = torch.float32) -> tuple[PortableLinear, nn.Linear]:
    """Make a layer, and PyTorch's with the same weights."""
    torch.manual_seed(0)
    layer, reference = PortableLinear(7, 5, bias=bias, dtype=dtype), nn.Linear(7, 5, bias=bias, dtype=dtype)
    reference.load_state_dict(layer.state_dict())  # they have the same keys
    return layer, reference


@pytest.mark.parametrize("shape", [(7,), (3, 7), (0, 7), (2, 3, 7)])
@pytest.mark.parametrize("bias", [True, False])
def test_equals_pytorch(shape: tuple[int, ...], *, bias: bool) -> None:
    gradients: list[list[Tensor]] = []
    outputs = []
    for layer in make_layers(bias=bias):
        inputs = torch.rand(shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
        outputs.append(layer(inputs))
        gradients.append(list(torch.autograd.grad(outputs[-1].square().sum(), [inputs, *layer.parameters()])))
    torch.testing.assert_close(*outputs)
    torch.testing.assert_close(*gradients)


def test_gradient_equals_finite_differences() -> None:
    layer, _ = make_layers(dtype=torch.float64)
    inputs = torch.rand(2, 3, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda inputs, *_: layer(inputs), (inputs, *layer.parameters()))


def test_products_are_those_of_numpy() -> None:
    layer, _ = make_layers(bias=False)
    inputs = torch.rand(3, 7)
    expected = inputs.numpy() @ layer.weight.detach().numpy().T
    np.testing.assert_array_equal(layer(inputs).detach().numpy(), expected, strict=True)


def test_overflow_gives_infinity_without_a_warning() -> None:
    layer, _ = make_layers(bias=False)
    nn.init.constant_(layer.weight, 2)
    assert layer(torch.full((1, 7), 3e38)).isinf().all()


def test_initial_weights_are_those_of_pytorch() -> None:
    torch.manual_seed(0)
    reference = nn.Linear(7, 5)
    assert torch.equal(make_layers()[0].weight, reference.weight)
