import numpy as np
import pytest
import torch
from torch.nn import functional

from stages.shared.losses import compute_metrics, image_losses, loss_gradient


def compute_loss(logits: torch.Tensor, labels: torch.Tensor, loss: str) -> torch.Tensor:
    """Compute the mean loss by PyTorch's loss functions."""
    if loss == "mse":
        return functional.mse_loss(logits, functional.one_hot(labels, 10).to(logits.dtype))
    return functional.cross_entropy(logits, labels)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_losses_equal_pytorch(loss: str) -> None:
    logits, labels = torch.randn(50, 10), torch.randint(0, 10, (50,))
    expected = compute_loss(logits, labels, loss)
    torch.testing.assert_close(image_losses(logits, labels, loss).mean(), expected)
    assert compute_metrics(logits, labels, loss).loss == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
@pytest.mark.parametrize("count", [1, 24, 64])
def test_gradient_equals_autograd(loss: str, count: int) -> None:
    logits = (4 * torch.randn(count, 10)).double().requires_grad_()
    labels = torch.randint(0, 10, (count,))
    compute_loss(logits, labels, loss).backward()
    before = logits.detach().numpy().copy()
    gradient = loss_gradient(logits.detach().numpy(), labels.numpy(), loss)
    assert logits.grad is not None
    np.testing.assert_allclose(gradient, logits.grad.numpy(), rtol=0, atol=1e-12, strict=True)
    np.testing.assert_array_equal(logits.detach().numpy(), before)


def test_accuracy() -> None:
    logits = torch.eye(10)[torch.tensor([3, 1, 4, 1])]
    assert compute_metrics(logits, torch.tensor([3, 1, 4, 2]), "cross_entropy").accuracy == 0.75
