import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import Field, model_validator

from stages.shared.allowed import describe_allowed
from stages.shared.errors import StageError
from stages.shared.parameters import (
    NormalizeParameters,
    StageParameters,
    TrainParameters,
    ValidateParameters,
    read_parameters,
)
from tests.stages.conftest import PARAMETERS, SetParameters

NAN, INFINITY = float("nan"), float("inf")

# The values that a key rejects: each bound, and each kind of another type.
BAD_VALUES: dict[str, list[object]] = {
    "dataset": ["mnits", None, ["mnist"]],
    "image_size": [-1, 28.0],
    "channels": [0, 2, "1"],
    "mean": ["0.5", NAN, 1e7],
    "std": [0, True, 1e-7],
    "validation_size": [-1, 0.1],
    "seed": [-1, 2**32, "9" * 5000, {}],
    "hidden_sizes": [128, "128, 64", [128, 0], [128.0], [True], [10**12], [8] * 9, [[16]], ["2024-01-05"]],
    "loss": [""],
    "optimizer": ["Adam"],
    "lr": [0, "fast", INFINITY, False, 1e39],
    "momentum": [1, -0.9],
    "weight_decay": [-1e-4, 1e39],
    "batch_size": [0, 10**9],
    "epochs": [0, {"max": 10}],
    "schedule": ["onecycle"],
    "augment": ["rotate"],
    "patience": [-1],
    "numerics": ["fast"],
}


def fail(kind: type[StageParameters]) -> list[str]:
    with pytest.raises(StageError) as error:
        read_parameters(kind)
    return str(error.value).splitlines()


@pytest.mark.parametrize("key", BAD_VALUES)
def test_rejects_value_in_one_line(set_parameters: SetParameters, key: str) -> None:
    for value in BAD_VALUES[key]:
        set_parameters(**{key: value})
        [line] = fail(ValidateParameters)
        shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
        allowed = describe_allowed(ValidateParameters, key)
        assert line == f"params.yaml: {key}: {shown} is not allowed; it must be {allowed}"


def test_names_every_wrong_key_and_every_missing_one(set_parameters: SetParameters, project: Path) -> None:
    set_parameters(lr=0, epochs=0)
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("momentum: 0\n", ""))
    lines = fail(TrainParameters)
    assert "params.yaml: momentum: missing; it must be a number from 0 to less than 1" in lines
    assert [line.partition(";")[0] for line in lines] == [
        "params.yaml: lr: 0 is not allowed",
        "params.yaml: momentum: missing",
        "params.yaml: epochs: 0 is not allowed",
    ]


def test_suggests_missing_key_for_misspelled_one(project: Path) -> None:
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("optimizer: sgd\n", "optimiser: sgd\n"))
    assert fail(ValidateParameters) == ["params.yaml: optimiser: unknown key; did you mean optimizer?"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation_size": 9}, "validation_size: 9 is not allowed; it must be 0, or from 10 to 59990, so that both"),
        ({"dataset": "digits"}, "validation_size: 5000 is not allowed; it must be 0, or from 10 to 1490, so that both"),
        ({"image_size": 32}, "image_size must be 0 and channels 1 where dataset is mnist"),
        ({"patience": 3, "validation_size": 0}, "patience: 3 is not allowed where validation_size is 0"),
    ],
)
def test_rejects_values_that_do_not_fit_each_other(
    set_parameters: SetParameters, changes: dict[str, object], message: str
) -> None:
    set_parameters(**changes)
    [line] = fail(ValidateParameters)
    assert line.startswith(f"params.yaml: {message}")


def test_has_the_values_of_its_keys_and_no_other(set_parameters: SetParameters) -> None:
    set_parameters(lr="fast")  # of another stage
    parameters = read_parameters(NormalizeParameters)
    assert parameters.model_dump() == {key: PARAMETERS[key] for key in NormalizeParameters.model_fields}
    with pytest.raises(ValueError, match="frozen"):
        parameters.seed = 1


Color = Enum("Color", {"RED": "red", "BLUE": "blue"})


class EveryType(StageParameters):
    """Types that stages have, and others that an adopter may add."""

    sizes: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(strict=False, max_length=8)
    size: int = Field(ge=0)
    lr: float = Field(gt=0, le=1000)
    momentum: float = Field(ge=0, lt=1)
    optimizer: Literal["sgd", "adam", "adamw"]
    amsgrad: bool
    dropout: float | None
    ratio: Annotated[float, Field(gt=0.25, lt=1)]
    limit: float = Field(le=5)
    layers: list[Literal["linear", "relu"]]
    crop: tuple[int, float] = (0, 1.0)
    name: str = Field("a", pattern="^[a-z]+$")
    weights: dict[str, float] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    pair: list[int] = Field([1, 2], min_length=2, max_length=2)
    color: Color = Color.RED


def test_says_what_types_allow() -> None:
    assert {key: describe_allowed(EveryType, key) for key in EveryType.model_fields} == {
        "sizes": "a list of at most 8 integers from 1 to 4096",
        "size": "an integer of 0 or more",
        "lr": "a number greater than 0, at most 1000",
        "momentum": "a number from 0 to less than 1",
        "optimizer": "sgd, adam or adamw",
        "amsgrad": "true or false",
        "dropout": "a number or null",
        "ratio": "a number greater than 0.25, less than 1",
        "limit": "a number of at most 5",
        "layers": "a list of linear or relu",
        "crop": "a list of 2: an integer, a number",
        "name": "a string that matches ^[a-z]+$",
        "weights": "a mapping of names to numbers",
        "options": "a mapping",
        "pair": "a list of 2 integers",
        "color": "red or blue",
    }


class Checked(StageParameters):
    """A combination that is rejected as the documentation of pydantic shows it."""

    amsgrad: bool

    @model_validator(mode="after")
    def check(self) -> Self:
        """Reject every value."""
        raise ValueError("amsgrad: True is not allowed where loss is mse")


def test_shows_message_of_a_validator(project: Path) -> None:
    (project / "params.yaml").write_text("amsgrad: true\n")
    assert fail(Checked) == ["params.yaml: amsgrad: True is not allowed where loss is mse"]


LIST_IMPORTED = """
import runpy, sys, stages.train, stages.evaluate
assert "numpy" not in sys.modules, "imported before its kernels are pinned"
import stages.validate, stages.download, stages.normalize, stages.export
try:
    runpy.run_module("stages.train", run_name="__main__")
finally:
    print(*{"torch", "torchvision", "sklearn", "pandas", "dvclive"} & sys.modules.keys())
"""


def test_rejects_value_before_large_libraries_are_imported(set_parameters: SetParameters) -> None:
    set_parameters(optimizer=-1)
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIST_IMPORTED], capture_output=True, text=True, check=False
    )
    assert process.returncode == 1
    assert process.stderr.startswith("error: params.yaml: optimizer: -1 is not allowed; it must be ")
    assert process.stdout == "\n"
