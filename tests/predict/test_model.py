import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from predict import PredictError
from predict.model import Metadata, Model
from predict.preparation import Ink
from tests.clone import Clone
from tests.predict.conftest import METADATA, Predict, build_model, make_image

IMAGES = np.stack([make_image(label) for label in range(10)])
LETTERS = '["a", "b", "c", "d", "e", "f", "g", "h", "i", "\\u304a"]'


def test_predicts_probabilities() -> None:
    probabilities = Model(build_model()).predict(IMAGES)
    assert probabilities.argmax(axis=1).tolist() == list(range(10))
    assert np.allclose(probabilities.sum(axis=1), 1)


def test_temperature_divides_logits() -> None:
    probabilities = Model(build_model()).predict(IMAGES).astype(np.float64)
    powers = probabilities ** (1 / 4)
    expected = powers / powers.sum(axis=1, keepdims=True)
    model = Model(build_model(METADATA | {"temperature": "4.0"}))
    np.testing.assert_allclose(model.predict(IMAGES), expected, rtol=1e-5)


def test_reads_metadata() -> None:
    metadata = Model(build_model({"classes": LETTERS, "ink_size": "28", "ink_center": "box"})).metadata
    assert metadata == Metadata((28, 28), "L", list("abcdefghiお"), Ink(28, "box"), 1)
    metadata = Model(build_model({"classes": '["a", "b"]'}, shape=(8, 6, 3), outputs=2)).metadata
    assert metadata == Metadata((8, 6), "RGB", ["a", "b"], None, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an ONNX model"),
        (b"text", "not an ONNX model"),
        (build_model()[:-3000], "not an ONNX model"),
        (build_model(inputs="pixel"), "has [('pixel', 'tensor(uint8)', 28, 28), ('logits', "),
        (build_model(shape=(28, "width")), "has [('images', 'tensor(uint8)', 28, 'width'), "),
        (build_model(shape=(28, 28, 2)), "has [('images', 'tensor(uint8)', 28, 28, 2), "),
        (build_model(outputs=1), "has [('images', 'tensor(uint8)', 28, 28), ('logits', 'tensor(float)', 1), "),
        (build_model(outputs=9), "metadata: classes: must be a JSON list of 9 names"),
        (build_model(METADATA | {"classes": "[1]"}), "metadata: classes: must be a JSON list of 10 names"),
        (build_model({"classes": LETTERS, "ink_size": "9"}), "metadata: ink_center: : must be mass or box"),
        (build_model(shape=(28, 28, 3)), "metadata: ink_size: must be left out for images in color"),
        (build_model(shape=(28, 19)), "metadata: ink_size: 20: must be 1 to 19"),
        (build_model(METADATA | {"classes": "0123"}), "metadata: classes: must be a JSON list of 10 names"),
        (build_model(METADATA | {"ink_size": "29"}), "metadata: ink_size: 29: must be 1 to 28"),
        (build_model(METADATA | {"ink_center": "top"}), "metadata: ink_center: top: must be mass or box"),
        (build_model(METADATA | {"temperature": "0"}), "metadata: temperature: 0: must be a positive number"),
        (build_model(METADATA | {"temperature": "hot"}), "metadata: temperature: hot: must be a positive number"),
    ],
)
def test_rejects(data: bytes, message: str) -> None:
    with pytest.raises(PredictError) as caught:
        Model(data)
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith("; run dvc repro")
    assert "\n" not in str(caught.value)


def test_rejects_probabilities_that_are_not_finite() -> None:
    one = np.float32(1 / 28 / 16).tobytes()
    model = Model(build_model().replace(one, np.float32(np.nan).tobytes()))
    with pytest.raises(PredictError, match=r"^the model gives no probabilities"):
        model.predict(IMAGES)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Create a DVC project with a model in the commit v1, pushed, and another one in the experiment letters."""
    clone = Clone(tmp_path_factory.mktemp("repository") / "project")
    model, remote = clone.folder / "models/mlp.onnx", clone.folder.parent / "remote"
    model.parent.mkdir(parents=True)
    Image.fromarray(make_image(3)).save(clone.folder / "three.png")
    clone.run("git", "init", "--quiet")
    clone.identify()
    (clone.folder / ".dvc").mkdir()  # what dvc init and dvc push would do, in seconds
    (clone.folder / ".dvc/.gitignore").write_text("/cache\n/tmp\n")
    storage = f"[core]\n    analytics = false\n    remote = storage\n['remote \"storage\"']\n    url = {remote}\n"
    (clone.folder / ".dvc/config").write_text(storage)
    model.write_bytes(build_model())
    clone.run("dvc", "add", "--quiet", "models/mlp.onnx")
    shutil.copytree(clone.folder / ".dvc/cache", remote)
    clone.commit("Add the model")
    clone.run("git", "tag", "v1")
    model.unlink()
    model.write_bytes(build_model(METADATA | {"classes": LETTERS}))
    clone.run("dvc", "add", "--quiet", "models/mlp.onnx")
    clone.run("dvc", "exp", "save", "--name", "letters")
    model.unlink()
    return clone


@pytest.fixture
def project(repository: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a copy of the project, whose workspace has no model."""
    for name, value in repository.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(repository.copy(tmp_path / "project").folder)


def test_reads_the_model_of_a_commit_and_of_an_experiment(project: None, predict: Predict) -> None:
    for revision, name in {"v1": "3", "letters": "d"}.items():
        status, output, errors = predict("--as-is", "--rev", revision, "three.png")
        assert (status, errors) == (0, [])
        assert output.splitlines()[1].split()[:2] == ["three.png", name]


def test_reads_the_model_of_the_remote(project: None, predict: Predict) -> None:
    shutil.rmtree(".dvc/cache")
    assert predict("--as-is", "--rev", "v1", "three.png").status == 0


@pytest.mark.parametrize(
    ("revision", "model", "reason"),
    [
        ("none", "models/mlp.onnx", "unknown Git revision 'none'"),
        ("v1", "models/other.onnx", "No such file or directory"),
        ("letters", "models/mlp.onnx", "No storage files available"),
    ],
    ids=["revision", "file", "data"],
)
def test_rejects_what_a_revision_lacks(project: None, predict: Predict, revision: str, model: str, reason: str) -> None:
    shutil.rmtree(".dvc/cache")
    [error] = predict("--rev", revision, "--model", model, "three.png").errors
    assert error == f"error: {model}: not available at {revision} ({reason}); run dvc pull or dvc exp pull"


def test_rejects_revision_without_git(folder: Path, predict: Predict) -> None:
    status, output, [error] = predict("--rev", "v1", "three.png")
    assert (status, output) == (1, "")
    assert error.endswith("is not a git repository); run dvc pull or dvc exp pull")


def test_rejects_an_empty_revision(predict: Predict) -> None:
    [error] = predict("--rev", "", "three.png").errors
    assert error.endswith("--rev is empty; it must be a commit, branch, tag or experiment")
