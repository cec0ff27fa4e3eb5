"""The loss, the optimizer and the learning rate schedule: what PyTorch has, by the names in params.yaml.

To add one, add a case here, and its name to TrainParameters in stages/shared/parameters.py.
"""

from collections.abc import Iterable

from torch import Tensor, nn, optim
from torch.nn import functional
from torch.optim import lr_scheduler

from stages.shared.errors import StageError
from stages.shared.parameters import TrainParameters


class OneHot(nn.Module):
    """A loss of real-valued targets, such as nn.MSELoss, with one-hot vectors of the labels as targets."""

    def __init__(self, loss: nn.Module) -> None:
        """Take the loss of outputs and targets, both float32 of shape (n, classes)."""
        super().__init__()
        self.loss = loss

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss of logits of shape (n, classes) and labels of shape (n,)."""
        targets = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
        loss: Tensor = self.loss(logits, targets)
        return loss


def build_loss(parameters: TrainParameters) -> nn.Module:
    """Build the loss: a module from logits, of shape (n, classes), and labels to their mean loss."""
    match parameters.loss:
        case "cross_entropy":
            return nn.CrossEntropyLoss()
        case "mse":
            return OneHot(nn.MSELoss())
        case name:
            raise _missing_case("loss", name)


def build_optimizer(weights: Iterable[nn.Parameter], parameters: TrainParameters) -> optim.Optimizer:
    """Build the optimizer. What `parameters` do not set is PyTorch's default.

    Adam and AdamW are fused, because the others use MKL's square root, whose bits differ between Intel and AMD
    processors; RMSprop has no fused one.
    """
    lr, momentum, weight_decay = parameters.lr, parameters.momentum, parameters.weight_decay
    match parameters.optimizer:
        case "sgd":
            return optim.SGD(weights, lr, momentum, weight_decay=weight_decay)
        case "adam":
            return optim.Adam(weights, lr, weight_decay=weight_decay, fused=True)
        case "adamw":
            return optim.AdamW(weights, lr, weight_decay=weight_decay, fused=True)
        case "rmsprop":
            return optim.RMSprop(weights, lr, momentum=momentum, weight_decay=weight_decay)
        case name:
            raise _missing_case("optimizer", name)


def build_schedule(optimizer: optim.Optimizer, parameters: TrainParameters, steps: int) -> lr_scheduler.LRScheduler:
    """Build the learning rate schedule, which is updated after each of `steps` steps."""
    match parameters.schedule:
        case "constant":
            return lr_scheduler.ConstantLR(optimizer, factor=1)
        case "one_cycle":
            return lr_scheduler.OneCycleLR(optimizer, parameters.lr, total_steps=steps, cycle_momentum=False)
        case name:
            raise _missing_case("schedule", name)


def _missing_case(key: str, name: str) -> StageError:
    return StageError(f"params.yaml: {key}: {name}: add a case to build_{key} in stages/shared/optimization.py")
