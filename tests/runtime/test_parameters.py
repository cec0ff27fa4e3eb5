import subprocess
import sys
from pathlib import Path

import pytest

from runtime.errors import StageError
from runtime.parameters import StageParameters, read_parameters
from runtime.pipeline import read_stage
from stages.download.parameters import Parameters as DownloadParameters
from stages.normalize.parameters import Parameters as NormalizeParameters
from stages.train.parameters import Parameters as TrainParameters
from tests.clone import ROOT
from tests.conftest import SetParameters

NAN, INFINITY = float("nan"), float("inf")

# The stage, the key, a bad value, and a part of the message that says what is allowed.
BAD_VALUES: list[tuple[type[StageParameters], str, object, str]] = [
    (DownloadParameters, "dataset", "mnits", "mnist, fashion_mnist, kmnist or digits"),
    (DownloadParameters, "dataset", "MNIST", "mnist, fashion_mnist, kmnist or digits"),
    (DownloadParameters, "dataset", None, "mnist, fashion_mnist, kmnist or digits"),
    (DownloadParameters, "dataset", ["mnist"], "mnist, fashion_mnist, kmnist or digits"),
    (NormalizeParameters, "mean", "0.5", "a number"),
    (NormalizeParameters, "mean", NAN, "a number"),
    (NormalizeParameters, "mean", -INFINITY, "a number"),
    (NormalizeParameters, "std", 0, "from 0.000001 to 1000000"),
    (NormalizeParameters, "std", -0.5, "from 0.000001 to 1000000"),
    (NormalizeParameters, "std", INFINITY, "from 0.000001 to 1000000"),
    (NormalizeParameters, "std", True, "from 0.000001 to 1000000"),
    (NormalizeParameters, "std", 1e-7, "from 0.000001 to 1000000"),
    (NormalizeParameters, "mean", 1e7, "from -1000000 to 1000000"),
    (NormalizeParameters, "validation_size", -1, "10 or more"),
    (NormalizeParameters, "validation_size", 0.1, "10 or more"),
    (NormalizeParameters, "validation_size", "5000", "10 or more"),
    (NormalizeParameters, "seed", -1, "from 0 to 4294967295"),
    (NormalizeParameters, "seed", 2**32, "from 0 to 4294967295"),
    (NormalizeParameters, "seed", 1.0, "from 0 to 4294967295"),
    (TrainParameters, "seed", "0", "from 0 to 4294967295"),
    (TrainParameters, "hidden_sizes", 128, "a list"),
    (TrainParameters, "hidden_sizes", "128, 64", "a list"),
    (TrainParameters, "hidden_sizes", [128, 0], "from 1 to 4096"),
    (TrainParameters, "hidden_sizes", [-128], "from 1 to 4096"),
    (TrainParameters, "hidden_sizes", [128.0], "from 1 to 4096"),
    (TrainParameters, "hidden_sizes", [True], "from 1 to 4096"),
    (TrainParameters, "hidden_sizes", [10**12], "from 1 to 4096"),
    (TrainParameters, "hidden_sizes", [8] * 9, "at most 8"),
    (TrainParameters, "loss", "crossentropy", "cross_entropy or mse"),
    (TrainParameters, "loss", "", "cross_entropy or mse"),
    (TrainParameters, "optimizer", "Adam", "sgd, adam, adamw or rmsprop"),
    (TrainParameters, "optimizer", "sdg", "sgd, adam, adamw or rmsprop"),
    (TrainParameters, "lr", 0, "greater than 0"),
    (TrainParameters, "lr", -0.01, "greater than 0"),
    (TrainParameters, "lr", "fast", "greater than 0"),
    (TrainParameters, "lr", NAN, "at most 1000"),
    (TrainParameters, "lr", INFINITY, "at most 1000"),
    (TrainParameters, "lr", False, "at most 1000"),
    (TrainParameters, "lr", [0.01], "at most 1000"),
    (TrainParameters, "lr", 1e39, "at most 1000"),
    (TrainParameters, "weight_decay", 1e39, "from 0 to 1000"),
    (TrainParameters, "momentum", 1, "less than 1"),
    (TrainParameters, "momentum", -0.9, "from 0"),
    (TrainParameters, "momentum", NAN, "from 0"),
    (TrainParameters, "weight_decay", -1e-4, "from 0 to 1000"),
    (TrainParameters, "weight_decay", INFINITY, "from 0 to 1000"),
    (TrainParameters, "batch_size", 0, "from 1"),
    (TrainParameters, "batch_size", -64, "from 1"),
    (TrainParameters, "batch_size", 64.0, "an integer"),
    (TrainParameters, "batch_size", 10**9, "to 1000000"),
    (TrainParameters, "epochs", 0, "from 1"),
    (TrainParameters, "epochs", 2.5, "an integer"),
    (TrainParameters, "epochs", "ten", "an integer"),
    (TrainParameters, "epochs", {"max": 10}, "an integer"),
    (TrainParameters, "schedule", "onecycle", "constant or one_cycle"),
    (TrainParameters, "augment", "rotate", "none, affine or elastic"),
    (TrainParameters, "patience", -1, "0 or more"),
    (TrainParameters, "patience", 1.5, "0 or more"),
    (TrainParameters, "numerics", "fast", "portable or native"),
]


def read_all() -> list[StageParameters]:
    return [read_parameters(kind) for kind in (DownloadParameters, NormalizeParameters, TrainParameters)]


def test_defaults_are_those_of_the_tutorial(project: Path) -> None:
    _, normalize, train = read_all()
    assert (normalize.mean, normalize.std) == (0.5, 0.5)  # type: ignore[attr-defined]
    expected = {"optimizer": "sgd", "lr": 0.01, "momentum": 0, "weight_decay": 0, "loss": "cross_entropy"}
    expected |= {"epochs": 10, "batch_size": 64, "hidden_sizes": (128, 64), "schedule": "constant", "patience": 0}
    assert expected.items() <= train.model_dump().items()


@pytest.mark.parametrize(("kind", "key", "value", "allowed"), BAD_VALUES, ids=lambda value: str(value)[:30])
def test_rejects_bad_value_in_one_line(
    set_parameters: SetParameters, kind: type[StageParameters], key: str, value: object, allowed: str
) -> None:
    set_parameters(**{key: value})
    with pytest.raises(StageError) as error:
        read_parameters(kind)
    message = str(error.value)
    shown = "True" if value is True else repr(value)[:20]
    assert "\n" not in message
    assert message.startswith(f"params.yaml: {key}: ")
    assert shown in message
    assert allowed in message


def test_ignores_keys_of_other_stages(set_parameters: SetParameters) -> None:
    set_parameters(lr="fast")
    read_parameters(NormalizeParameters)


@pytest.mark.parametrize(("written", "number"), [("1e-05", 1e-5), ("1e-3", 1e-3), ("1", 1.0), (".5", 0.5)])
def test_accepts_numbers_as_dvc_writes_them(project: Path, written: str, number: float) -> None:
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("lr: 0.01", f"lr: {written}"))
    assert read_parameters(TrainParameters).lr == number


def test_names_every_bad_key(set_parameters: SetParameters) -> None:
    set_parameters(lr=0, epochs=0)
    with pytest.raises(StageError) as error:
        read_parameters(TrainParameters)
    assert [line.partition(" is not")[0] for line in str(error.value).splitlines()] == [
        *("params.yaml: lr: 0", "params.yaml: epochs: 0")
    ]


def test_names_missing_key(project: Path) -> None:
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("lr: 0.01\n", ""))
    with pytest.raises(
        StageError, match=r"^params.yaml: lr: missing; it must be a number greater than 0, at most 1000$"
    ):
        read_parameters(TrainParameters)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"lr: 0.01\nlr: 0.1\n",
            r", line 2: 'lr: 0.1' cannot be parsed: .*; lr must be a number greater than 0, at most",
        ),
        (
            b"lr: [0.01\n",
            r", line 1: 'lr: \[0.01' cannot be parsed: .*; lr must be a number greater than 0, at most 1000$",
        ),
        (
            b"hidden_sizes:\n- &a 8\n",
            r", line 2: '- &a 8' cannot be parsed: .*; hidden_sizes must be a list of at most 8",
        ),
        (b"\tlr: 1\n", r", line 1: '\\tlr: 1' cannot be parsed: .*; lr must be a number"),
        (b"mean: @\n", r", line 1: 'mean: @' cannot be parsed: [^;]*$"),  # not a parameter of this stage
        (b"- lr\n", r"^params.yaml: must be a mapping of keys to values, is \['lr'\]$"),
        (b"", r"must be a mapping"),
        (b"lr: \xff\n", r"not UTF-8"),
        (b"lr: \x00\n", r", line 1: 'lr: \\x00' cannot be parsed: control characters are not allowed; lr must be"),
    ],
)
def test_rejects_malformed_file_in_one_line(project: Path, content: bytes, message: str) -> None:
    (project / "params.yaml").write_bytes(content)
    with pytest.raises(StageError, match=message) as error:
        read_parameters(TrainParameters)
    assert str(error.value).startswith("params.yaml")
    assert "\n" not in str(error.value)


def test_names_missing_file(project: Path) -> None:
    (project / "params.yaml").unlink()
    with pytest.raises(StageError, match=r"^params.yaml: no such file"):
        read_parameters(TrainParameters)


@pytest.mark.parametrize(
    ("stage", "key", "value"),
    [("validate", "lr", 0), ("download", "dataset", "mnits"), ("normalize", "std", 0), ("train", "optimizer", "sdg")],
)
def test_rejects_bad_value_before_torch_is_imported(
    project: Path, set_parameters: SetParameters, stage: str, key: str, value: object
) -> None:
    set_parameters(**{key: value})
    for name in read_stage(stage).deps:
        if not (project / name).exists():  # data: not read before the parameters
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).touch()
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", f"stages.{stage}"],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    imported = {line.split("|")[-1].strip() for line in process.stderr.splitlines() if line.startswith("import time:")}
    messages = [line for line in process.stderr.splitlines() if not line.startswith("import time:")]
    assert process.returncode == 1
    assert len(messages) == 1
    assert messages[0].startswith(f"error: params.yaml: {key}: {value!r} is not allowed; it must be ")
    assert "pydantic" in imported
    assert not imported & {"torch", "torchvision", "sklearn", "pandas", "dvclive"}
