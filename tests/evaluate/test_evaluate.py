import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from stages.evaluate import __main__ as evaluate
from stages.evaluate import mistakes, scores
from stages.shared import split
from stages.shared.network import MODEL, build_network, save_network
from stages.shared.stage import StageError


@pytest.fixture
def evaluated(project: Path, write_splits: Callable[..., None]) -> Path:
    """Evaluate an untrained network in `project`."""
    write_splits()
    write_model(1.0)
    evaluate.main()
    return project


def write_model(scale: float) -> None:
    torch.manual_seed(0)
    network = build_network((16,))
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.mul_(scale)
    save_network(MODEL, network)


def test_metrics_agree_with_the_predictions(evaluated: Path) -> None:
    metrics = json.loads((evaluated / "metrics/metrics.json").read_text())
    assert list(metrics) == ["accuracy", "loss", "macro_f1", "expected_calibration_error"]
    predictions = pd.read_csv(evaluated / "metrics/predictions.csv")
    assert predictions["actual"].tolist() == split.read_split(split.TEST).labels.tolist()
    assert metrics["accuracy"] == pytest.approx((predictions["actual"] == predictions["predicted"]).mean())
    classes = pd.read_csv(evaluated / "metrics/classes.csv", index_col="class")
    assert classes["support"].sum() == len(predictions)
    assert metrics["macro_f1"] == pytest.approx(classes["f1"].mean())


def test_evaluating_twice_gives_the_same_bytes(evaluated: Path) -> None:
    outputs = [evaluate.METRICS, evaluate.CLASS_METRICS, evaluate.PREDICTIONS, evaluate.MISTAKES]
    before = [path.read_bytes() for path in outputs]
    evaluate.main()
    assert before == [path.read_bytes() for path in outputs]
    assert evaluated == Path.cwd()


def test_no_metrics_are_written_of_parameters_that_the_network_was_not_trained_with(evaluated: Path) -> None:
    (evaluated / "dvc.lock").write_text("stages: {train: {params: {params.yaml: {lr: 0.3}}}}")
    evaluate.METRICS.unlink()
    with pytest.raises(StageError, match=r"^params.yaml: lr: 0.01, but train ran with 0.3"):
        evaluate.main()
    assert not evaluate.METRICS.exists()


def test_classes_of_a_small_confusion() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 0, 3])
    table = scores.tabulate_classes(labels, predicted)
    assert table.to_numpy()[0].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 3])
    assert table.to_numpy()[1].tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 2, 2])
    assert table.to_numpy()[2].tolist() == [0, 0, 0, 1]
    assert table.to_numpy()[9].tolist() == [0, 0, 0, 0]


def test_cross_entropy_of_known_logits() -> None:
    logits = torch.zeros(2, 10)
    logits[1, 4] = math.log(9)
    loss = scores.mean_cross_entropy(logits, torch.tensor([7, 4]))
    assert loss == pytest.approx((math.log(10) + math.log(2)) / 2)


def test_calibration_error_by_hand() -> None:
    """Bins of 1/15: two images at 0.9, one of them right; one at 0.2, wrong; one at 1, right."""
    probabilities = np.full((4, 10), 0.0)
    for image, (confidence, predicted) in enumerate([(0.9, 1), (0.9, 1), (0.2, 2), (1.0, 3)]):
        probabilities[image] = (1 - confidence) / 9
        probabilities[image, predicted] = confidence
    error = scores.expected_calibration_error(np.array([1, 0, 5, 3]), probabilities.astype(np.float32))
    assert error == pytest.approx((abs(1 - 1.8) + 0.2 + 0) / 4)


def test_mistakes_are_drawn_most_confident_first() -> None:
    images = np.full((3, 28, 28), -1, np.float32)
    images[1, :, :14] = 1  # the surer mistake: its left half is ink
    images[2, :, 14:] = 1
    probabilities = np.full((3, 10), 0.01, np.float32)
    probabilities[[0, 1, 2], [7, 3, 4]] = [0.99, 0.9, 0.6]
    picture = np.asarray(mistakes.draw_mistakes(images, np.array([7, 8, 9]), probabilities))
    side = 28 * mistakes.ZOOM
    first, second = picture[:side, :side], picture[:side, side + mistakes.ZOOM : 2 * side + mistakes.ZOOM]
    assert first[0, 0] == 0
    assert first[0, -1] == 255
    assert second[0, 0] == 255
    assert second[0, -1] == 0
    assert picture[side:, :side].min() < 100  # its caption
    assert picture[:, 2 * (side + mistakes.ZOOM) :].min() == 255  # what was right is not shown


def test_a_perfect_network_has_an_empty_picture(tmp_path: Path) -> None:
    probabilities = np.eye(10, dtype=np.float32)
    picture = mistakes.draw_mistakes(np.zeros((10, 28, 28), np.float32), np.arange(10), probabilities)
    picture.save(tmp_path / "mistakes.png")
    assert Image.open(tmp_path / "mistakes.png").getextrema() == (255, 255)


def test_a_loss_that_is_not_finite_is_refused(
    project: Path, write_splits: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_splits()
    write_model(1e30)
    with pytest.raises(StageError, match=r"^models/mlp.safetensors: gives a test loss of (nan|inf)"):
        evaluate.main()
    assert not (project / "metrics/metrics.json").exists()
