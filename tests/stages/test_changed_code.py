"""Whoever changes the network, the loss or the optimizer as PyTorch users do, changes what all stages compute."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn, optim

from predict.model import Model
from stages.shared import network, optimization
from stages.shared.network import MODEL, load_network, predict
from stages.shared.splits import TEST, read_split
from tests.stages.conftest import RunStage, SetParameters, WriteSplits
from tests.stages.networks import build_mlp, make_images, run_model, run_network


def build_cnn(*_: object) -> nn.Module:
    convolution = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.GELU(), nn.MaxPool2d(2)]
    return nn.Sequential(*convolution, nn.Flatten(), nn.Dropout(), nn.Linear(4 * 13 * 13, 10))


# A function of another module, and what it is replaced by.
CHANGES: dict[str, tuple[object, str, Callable[..., object]]] = {
    "network": (network, "build_network", build_cnn),
    "loss": (optimization, "build_loss", lambda _: nn.CrossEntropyLoss(label_smoothing=0.1)),
    "loss of one-hot targets": (optimization, "build_loss", lambda _: optimization.OneHot(nn.HuberLoss())),
    "optimizer": (optimization, "build_optimizer", lambda weights, _: optim.NAdam(weights, lr=0.01)),
}


@pytest.fixture
def run(
    write_splits: WriteSplits, set_parameters: SetParameters, run_stage: RunStage, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], set[bytes]]:
    """Return a function that runs the stages from train on, and returns the matrices of the network."""
    monkeypatch.setattr(network, "build_network", build_mlp)
    write_splits()
    set_parameters(epochs=1, hidden_sizes=[16])

    def run_stages() -> set[bytes]:
        for stage in ("train", "evaluate", "export"):
            run_stage(stage)
        weights: list[Tensor] = list(load_network(MODEL)[0].parameters())
        return {tensor.detach().numpy().tobytes() for tensor in weights if tensor.dim() > 1}

    return run_stages


@pytest.mark.parametrize("name", CHANGES)
def test_change_changes_what_is_trained_evaluated_and_exported(
    run: Callable[[], set[bytes]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    unchanged = run()
    monkeypatch.setattr(*CHANGES[name])
    changed = run()
    assert changed
    assert not changed & unchanged
    trained, dataset = load_network(MODEL)
    test = read_split(TEST)
    correct = predict(trained, test.images).argmax(dim=1) == test.labels
    accuracy = json.loads(Path("metrics/metrics.json").read_text())["accuracy"]
    assert accuracy == pytest.approx(correct.double().mean().item())
    images, model = make_images(50), Path("models/mlp.onnx").read_bytes()
    expected = run_network(trained, images, dataset)
    np.testing.assert_allclose(run_model(model, images).logits, expected.logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(Model(model).predict(images), expected.probabilities, rtol=0, atol=1e-5)
