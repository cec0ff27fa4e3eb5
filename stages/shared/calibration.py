"""Temperature scaling: Guo et al. 2017, On Calibration of Modern Neural Networks."""

import torch
from torch import Tensor
from torch.nn import functional

# In steps of 0.01, so that the last bits of the logits make no difference.
TEMPERATURES = [number / 100 for number in range(10, 1001)]


@torch.no_grad()
def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return what logits, of shape (n, classes), must be divided by for the least cross entropy; 1 if n is 0."""
    if not len(labels):
        return 1.0
    exact = logits.double()
    lowest, highest = 0, len(TEMPERATURES) - 1
    while lowest < highest:  # the cross entropy has one minimum: it is convex in 1 / temperature
        middle = (lowest + highest) // 2
        here, next_ = (functional.cross_entropy(exact / TEMPERATURES[i], labels) for i in (middle, middle + 1))
        lowest, highest = (lowest, middle) if here <= next_ else (middle + 1, highest)
    return TEMPERATURES[lowest]
