"""Samplers, which choose the next parameters, and pruners, which stop trials: classes of Optuna with arguments."""

import difflib
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import optuna
from optuna import pruners, samplers
from optuna.distributions import FloatDistribution
from optuna.exceptions import ExperimentalWarning

from dvc_search.space import Space, suggest
from dvc_search.task import Direction

# Without a heartbeat for running trials, TPE would choose about the same point for all of them.
SAMPLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "tpe": ("TPESampler", {"constant_liar": True}),
    "random": ("RandomSampler", {}),
    "grid": ("BruteForceSampler", {}),
}
PRUNERS: dict[str, tuple[str, dict[str, Any]]] = {
    "none": ("NopPruner", {}),
    "median": ("MedianPruner", {}),
    # By default, Optuna derives min_resource from a complete trial, and ignores the trials that began before its end.
    "asha": ("SuccessiveHalvingPruner", {"min_resource": 1}),
}
INNER = {"base_sampler", "independent_sampler", "wrapped_pruner"}  # arguments that are samplers or pruners
REQUIRED = {"CmaEsSampler": ["cmaes"], "GPSampler": ["scipy", "torch"], "QMCSampler": ["scipy"]}  # packages
LEFT_OUT = ("BaseSampler", "BaseGASampler", "GridSampler", "BasePruner")  # GridSampler repeats points when asked
REHEARSED = 3  # trials: the first of some samplers is random


def make_sampler(content: object, seed: int, trials: int = 0) -> samplers.BaseSampler:
    """Create a sampler: its name, or a mapping of the name to arguments.

    With the seed alone, most samplers would draw the first points again after each start; QMCSampler would not.

    Raises:
        ValueError: there is none of this name, it has no such argument, or a package is missing.
    """
    number = seed if "QMCSampler" in (content if isinstance(content, dict) else [content]) else seed + trials
    sampler: samplers.BaseSampler = _make(samplers, SAMPLERS, content, number % 2**32)
    return sampler


def make_pruner(content: object) -> pruners.BasePruner:
    """Create a pruner: its name, or a mapping of the name to arguments.

    Raises:
        ValueError: there is none of this name, or it has no such argument.
    """
    pruner: pruners.BasePruner = _make(pruners, PRUNERS, content, 0)
    return pruner


def _make(module: Any, short: Mapping[str, Any], content: object, seed: int) -> Any:
    mapping = {content: None} if isinstance(content, str) else content
    [(name, arguments)] = mapping.items() if isinstance(mapping, dict) and len(mapping) == 1 else [(None, None)]
    if name is None or not isinstance(arguments, dict | None):
        raise ValueError(f"{content!r} is not allowed; it must be a name, or a name with a mapping of arguments")
    name, defaults = short.get(name, (name, {}))
    names = [other for other in module.__all__ if other[0].isupper() and other not in LEFT_OUT]
    if name not in names:
        by_stem = {_find_stem(known): known for known in (*names, *short)}
        similar = difflib.get_close_matches(_find_stem(str(name)), by_stem, n=1)
        hint = f"did you mean {by_stem[similar[0]]}?" if similar else f"it must be {', '.join([*short, *names])}"
        raise ValueError(f"there is no {name}; {hint}")
    if missing := [package for package in REQUIRED.get(name, []) if find_spec(package) is None]:
        raise ValueError(f"{name} needs another package; to fix: pip install {' '.join(missing)}")
    kind = getattr(module, name)
    given = {**defaults, **(arguments or {})}
    for key in INNER & given.keys():
        if given[key] is not None:
            given[key] = _make(module, short, given[key], seed)
    if "seed" in inspect.signature(kind).parameters:
        given.setdefault("seed", seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            return kind(**given)
        except Exception as error:  # noqa: BLE001 - whatever a class raises for its arguments
            raise ValueError(f"{name}: {_describe(error)}") from None


def _find_stem(name: str) -> str:
    """Return the part of a name by which a misspelled one is recognized."""
    return name.lower().removesuffix("sampler").removesuffix("pruner")


def find_sampler_errors(sampler: object, pruner: object) -> Iterator[str]:
    """Yield a line if the sampler, and one if the pruner cannot be created."""
    makers: dict[str, Callable[[], object]] = {
        "sampler": partial(make_sampler, sampler, 0),
        "pruner": partial(make_pruner, pruner),
    }
    for key, make in makers.items():
        try:
            make()
        except ValueError as error:
            yield f"{key}: {error}"


def rehearse(sampler: object, pruner: object, directions: Sequence[Direction], space: Space) -> None:
    """Run a few trials in memory.

    Raises:
        ValueError: the sampler or pruner cannot be used, for the reason in the text.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    made: dict[str, Any] = {"sampler": make_sampler(sampler, 0), "pruner": make_pruner(pruner)}
    if isinstance(made["sampler"], samplers.BruteForceSampler):
        for parameter in space:
            if isinstance(parameter.distribution, FloatDistribution) and parameter.distribution.step is None:
                raise ValueError(f"space: {parameter.name}: a range needs a step if the sampler is a grid")
    if len(directions) > 1 and not isinstance(made["pruner"], pruners.NopPruner):
        raise ValueError(f"pruner: {pruner!r} is not allowed with several metrics, which Optuna cannot prune by")
    study = optuna.create_study(directions=directions, **made)
    study.stop = lambda: None  # type: ignore[method-assign]
    tried = "sampler"
    try:
        for _ in range(REHEARSED):
            trial = suggest(space, study.ask())
            if len(directions) == 1:
                tried = "pruner"
                trial.report(0.0, 1)
                trial.should_prune()
            tried = "sampler"
            study.tell(trial, [0.0] * len(directions))
    except Exception as error:  # noqa: BLE001 - whatever a sampler or pruner raises
        raise ValueError(f"{tried}: {made[tried].__class__.__name__}: {_describe(error)}") from None


def _describe(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
