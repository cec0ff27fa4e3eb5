import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal, Self

import pytest
from pydantic import Field, model_validator
from ruamel.yaml import YAML

from stages.shared.allowed import describe_allowed
from stages.shared.errors import StageError
from stages.shared.parameters import (
    NormalizeParameters,
    StageParameters,
    TrainParameters,
    ValidateParameters,
    read_parameters,
)
from tests.clone import ROOT
from tests.stages.conftest import PARAMETERS, SetParameters

NAN, INFINITY = float("nan"), float("inf")

# The values that a key rejects, and what the message says is allowed.
BAD_VALUES: list[tuple[str, list[object], str]] = [
    ("dataset", ["mnits", "MNIST", None, ["mnist"]], "mnist, fashion_mnist, kmnist or digits"),
    ("mean", ["0.5", NAN, -INFINITY, 1e7], "a number from -1000000 to 1000000"),
    ("std", [0, -0.5, INFINITY, True, 1e-7], "a number from 0.000001 to 1000000"),
    ("validation_size", [-1, 0.1, "5000"], "an integer of 0 or more"),
    ("seed", [-1, 2**32, 1.0, "0", "9" * 5000, {}, [], [[1]]], "an integer from 0 to 4294967295"),
    ("hidden_sizes", [128, "128, 64", [128, 0], [128.0], [True], [10**12], [8] * 9, [[16]], ["2024-01-05"], [1] * 9999],
     "a list of at most 8 integers from 1 to 4096"),
    ("loss", ["crossentropy", ""], "cross_entropy or mse"),
    ("optimizer", ["Adam", "sdg"], "sgd, adam, adamw or rmsprop"),
    ("lr", [0, -0.01, "fast", NAN, INFINITY, False, [0.01], 1e39], "a number greater than 0, at most 1000"),
    ("momentum", [1, -0.9, NAN], "a number from 0 to less than 1"),
    ("weight_decay", [-1e-4, INFINITY, 1e39], "a number from 0 to 1000"),
    ("batch_size", [0, -64, 64.0, 10**9], "an integer from 1 to 1000000"),
    ("epochs", [0, 2.5, "ten", {"max": 10}], "an integer from 1 to 100000"),
    ("schedule", ["onecycle"], "constant or one_cycle"),
    ("augment", ["rotate"], "none, affine or elastic"),
    ("patience", [-1, 1.5], "an integer of 0 or more"),
    ("numerics", ["fast"], "portable or native"),
]  # fmt: skip


def fail(kind: type[StageParameters]) -> list[str]:
    with pytest.raises(StageError) as error:
        read_parameters(kind)
    return str(error.value).splitlines()


@pytest.mark.parametrize(("key", "values", "allowed"), BAD_VALUES, ids=[key for key, *_ in BAD_VALUES])
def test_rejects_value_in_one_line(set_parameters: SetParameters, key: str, values: list[object], allowed: str) -> None:
    for value in values:
        set_parameters(**{key: value})
        [line] = fail(ValidateParameters)
        shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
        assert line == f"params.yaml: {key}: {shown} is not allowed; it must be {allowed}"


def test_names_every_wrong_key_and_every_missing_one(set_parameters: SetParameters, project: Path) -> None:
    set_parameters(lr=0, epochs=0)
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("momentum: 0\n", ""))
    assert [line.partition(";")[0] for line in fail(TrainParameters)] == [
        "params.yaml: lr: 0 is not allowed",
        "params.yaml: momentum: missing",
        "params.yaml: epochs: 0 is not allowed",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation_size": 9}, "validation_size: 9 is not allowed; it must be 0, or from 10 to 59990, so that both"),
        ({"validation_size": 59_991}, "validation_size: 59991 is not allowed; it must be 0, or from 10 to 59990, so"),
        ({"dataset": "digits"}, "validation_size: 5000 is not allowed; it must be 0, or from 10 to 1490, so that both"),
        ({"patience": 3, "validation_size": 0}, "patience: 3 is not allowed where validation_size is 0"),
    ],
)
def test_rejects_values_that_do_not_fit_each_other(
    set_parameters: SetParameters, changes: dict[str, object], message: str
) -> None:
    set_parameters(**changes)
    [line] = fail(ValidateParameters)
    assert line.startswith(f"params.yaml: {message}")


@pytest.mark.usefixtures("project")
def test_has_the_values_of_params_yaml_and_no_other() -> None:
    parameters = read_parameters(NormalizeParameters)
    assert parameters.model_dump() == {key: PARAMETERS[key] for key in NormalizeParameters.model_fields}
    with pytest.raises(ValueError, match="frozen"):
        parameters.seed = 1


def test_ignores_keys_of_other_stages(set_parameters: SetParameters) -> None:
    set_parameters(lr="fast")
    read_parameters(NormalizeParameters)


def test_accepts_number_as_dvc_writes_it(project: Path) -> None:
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("lr: 0.01", "lr: 1e-05"))
    assert read_parameters(TrainParameters).lr == 1e-5


def test_defaults_are_those_of_the_tutorial() -> None:
    command = ["git", "show", "HEAD:params.yaml"]
    committed = YAML(typ="safe").load(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    expected = {"mean": 0.5, "std": 0.5, "loss": "cross_entropy", "optimizer": "sgd", "lr": 0.01, "momentum": 0}
    expected |= {"weight_decay": 0, "epochs": 10, "batch_size": 64, "schedule": "constant", "hidden_sizes": [128, 64]}
    assert expected.items() <= committed.items()


class OfAnAdopter(StageParameters):
    """Types that no stage has so far."""

    amsgrad: bool
    dropout: float | None
    tags: list[str]
    ratio: Annotated[float, Field(gt=0.25, lt=1)]
    limit: float = Field(le=5)
    loss: Literal["mse"]
    layers: list[Literal["linear", "relu"]]

    @model_validator(mode="after")
    def check(self) -> Self:
        """Reject a combination, as the documentation of pydantic shows it."""
        if self.amsgrad:
            raise ValueError("amsgrad: True is not allowed where loss is mse")
        return self


def test_says_what_other_types_allow() -> None:
    assert {key: describe_allowed(OfAnAdopter, key) for key in OfAnAdopter.model_fields} == {
        "amsgrad": "true or false",
        "dropout": "a number or null",
        "tags": "a list of strings",
        "ratio": "a number greater than 0.25, less than 1",
        "limit": "a number of at most 5",
        "loss": "mse",
        "layers": "a list of linear or relu",
    }


def test_shows_message_of_a_validator(project: Path) -> None:
    values = "amsgrad: true\ndropout: null\ntags: []\nratio: 0.5\nlimit: 1\nloss: mse\nlayers: [relu]\n"
    (project / "params.yaml").write_text(values)
    assert fail(OfAnAdopter) == ["params.yaml: amsgrad: True is not allowed where loss is mse"]


@pytest.mark.parametrize(
    ("stage", "key"), [("validate", "lr"), ("download", "dataset"), ("normalize", "std"), ("train", "optimizer")]
)
def test_rejects_value_before_torch_is_imported(set_parameters: SetParameters, stage: str, key: str) -> None:
    set_parameters(**{key: -1})
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", f"stages.{stage}"], capture_output=True, text=True, check=False
    )
    imported = {line.split("|")[-1].strip() for line in process.stderr.splitlines() if line.startswith("import time:")}
    [message] = [line for line in process.stderr.splitlines() if not line.startswith("import time:")]
    assert process.returncode == 1
    assert message.startswith(f"error: params.yaml: {key}: -1 is not allowed; it must be ")
    assert "pydantic" in imported
    assert not imported & {"torch", "torchvision", "sklearn", "pandas", "dvclive"}
