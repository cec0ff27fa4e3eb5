import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.clone import Clone
from tests.predict.conftest import METADATA, Predict, build_model, make_image

LETTERS = '["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]'
ADVICE = "run dvc pull or dvc exp pull"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Create a DVC project with a model in the commit v1, pushed, and another one in the experiment letters."""
    folder = tmp_path_factory.mktemp("repository") / "project"
    (folder / "models").mkdir(parents=True)
    (folder / "models/mlp.onnx").write_bytes(build_model())
    Image.fromarray(make_image(3)).save(folder / "three.png")
    clone = Clone(folder)
    clone.run("git", "init", "--quiet")
    clone.identify()
    remote = tmp_path_factory.mktemp("remote")
    (folder / ".dvc").mkdir()  # what dvc init and dvc push would do
    (folder / ".dvc/.gitignore").write_text("/cache\n/tmp\n")
    storage = f"[core]\n    analytics = false\n    remote = storage\n['remote \"storage\"']\n    url = {remote}\n"
    (folder / ".dvc/config").write_text(storage)
    clone.run("dvc", "add", "--quiet", "models/mlp.onnx")
    shutil.copytree(folder / ".dvc/cache", remote, dirs_exist_ok=True)
    clone.commit("Add the model")
    clone.run("git", "tag", "v1")
    (folder / "models/mlp.onnx").unlink()
    (folder / "models/mlp.onnx").write_bytes(build_model(METADATA | {"classes": LETTERS}))
    clone.run("dvc", "add", "--quiet", "models/mlp.onnx")
    clone.run("dvc", "exp", "save", "--name", "letters")
    (folder / "models/mlp.onnx").unlink()
    return clone


@pytest.fixture
def project(repository: Clone, tmp_path: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a copy of the project, whose workspace has no model."""
    for name, value in repository.environment.items():
        monkeypatch.setenv(name, value)
    copy = repository.copy(tmp_path / "project")
    monkeypatch.chdir(copy.folder)
    return copy.folder


def test_reads_the_model_of_a_commit_and_of_an_experiment(project: Path, predict: Predict) -> None:
    assert predict("--as-is", "three.png").status == 1
    for revision, name in {"v1": "3", "letters": "d"}.items():
        status, output, errors = predict("--as-is", "--rev", revision, "three.png")
        assert (status, errors) == (0, [])
        assert output.splitlines()[1].split()[:2] == ["three.png", name]


def test_reads_the_model_of_the_remote(project: Path, predict: Predict) -> None:
    shutil.rmtree(".dvc/cache")
    assert predict("--as-is", "--rev", "v1", "three.png").status == 0
    [error] = predict("--as-is", "--rev", "letters", "three.png").errors
    assert error == f"error: models/mlp.onnx: not available at letters (No storage files available); {ADVICE}"


def test_rejects(project: Path, predict: Predict) -> None:
    [unknown] = predict("--rev", "none", "three.png").errors
    assert unknown == f"error: models/mlp.onnx: not available at none (unknown Git revision 'none'); {ADVICE}"
    [missing] = predict("--rev", "v1", "--model", "models/other.onnx", "three.png").errors
    assert missing == f"error: models/other.onnx: not available at v1 (No such file or directory); {ADVICE}"


def test_rejects_folder_without_git(folder: Path, predict: Predict) -> None:
    status, output, [error] = predict("--rev", "v1", "three.png")
    assert (status, output) == (1, "")
    assert error.endswith(f"is not a git repository); {ADVICE}")
