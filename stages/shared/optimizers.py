"""The optimizers, as functions of torch.optim, and the learning rate schedule.

torch.optim's classes call these functions, but the first object of them in a process imports torch's compiler, which
takes as long as importing torch.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from stages.shared.parameters import TrainParameters

WARM_UP = 0.3  # of the steps
FIRST, LAST = 1 / 25, 1 / 250_000  # of the highest learning rate


def build_optimizer(weights: Tensor, gradient: Tensor, parameters: TrainParameters) -> Callable[..., None]:
    """Build a function of the learning rate, `lr`, that updates `weights` by what is then in `gradient`.

    What `parameters` do not set is PyTorch's default. Fused, because that is faster, but for SGD without momentum, and
    because the others use MKL's square root, which differs between Intel and AMD processors; RMSprop has no fused one.
    """
    step = [torch.tensor(0.0)]
    average, square_average = ([torch.zeros_like(weights)] for _ in range(2))
    decay = parameters.weight_decay
    match parameters.optimizer:
        case "sgd":
            update = partial(sgd, [weights], [gradient], [None], fused=parameters.momentum > 0, maximize=False)
            return partial(update, weight_decay=decay, momentum=parameters.momentum, dampening=0, nesterov=False)
        case "adam" | "adamw" as name:
            state = average, square_average, list[Tensor](), step
            update = partial(adam, [weights], [gradient], *state, fused=True, maximize=False, amsgrad=False)
            decoupled = name == "adamw"
            return partial(
                update, weight_decay=decay, decoupled_weight_decay=decoupled, beta1=0.9, beta2=0.999, eps=1e-8
            )
        case "rmsprop":
            update = partial(rmsprop, [weights], [gradient], square_average, [], average, step, centered=False)
            return partial(update, weight_decay=decay, momentum=parameters.momentum, alpha=0.99, eps=1e-8)


def build_schedule(parameters: TrainParameters, steps: int) -> Iterator[float]:
    """Build the learning rates of the steps, one after the other."""
    return repeat(parameters.lr) if parameters.schedule == "constant" else one_cycle(parameters.lr, steps)


def one_cycle(highest: float, steps: int) -> Iterator[float]:
    """Yield the learning rates of torch.optim.lr_scheduler.OneCycleLR: along a cosine up, and along another one down.

    Source: Smith and Topin, Super-Convergence, arXiv:1708.07120.
    """
    top = WARM_UP * steps - 1
    for step in range(steps):
        if step <= top:
            yield anneal(FIRST * highest, highest, step / top)
        else:
            yield anneal(highest, LAST * highest, (step - top) / (steps - 1 - top))


def anneal(start: float, end: float, fraction: float) -> float:
    """Return the point between two learning rates, along half a period of the cosine."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * fraction))
