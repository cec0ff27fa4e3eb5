"""Samplers, which choose the next parameters, and pruners, which stop trials, of Optuna."""

from collections.abc import Callable
from functools import partial

from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from dvc_search.configuration import Configuration

PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "none": NopPruner,
    "median": MedianPruner,
    # By default, Optuna derives min_resource from a complete trial, and ignores the trials that began before its end.
    "asha": partial(SuccessiveHalvingPruner, min_resource=1),
}


def make_sampler(configuration: Configuration, trials: int) -> BaseSampler:
    """Create the sampler. With the seed alone, it would draw the first points again after each start."""
    seed = (configuration.seed + trials) % 2**32
    if configuration.sampler == "tpe":
        return TPESampler(seed=seed, constant_liar=True)
    return RandomSampler(seed=seed)


def make_pruner(name: str) -> BasePruner:
    """Create the pruner of that name, otherwise with the defaults of Optuna."""
    return PRUNERS[name]()
