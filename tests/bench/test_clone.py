from pathlib import Path

import pytest

from bench.clone import Clone


@pytest.fixture(autouse=True)
def mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MIRROR", "/mirror")


def test_clones_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    clone = Clone.of_head(tmp_path / "clone", epochs=3, dataset="digits")
    changes = clone.run("git", "show", "--unified=0", "--format=%an").stdout
    assert "+epochs: 3\n" in changes
    assert "+dataset: digits\n" in changes
    assert clone.run("git", "status", "--porcelain").stdout == ""
    environment = clone.run("env", ADDED="1").stdout
    assert "OMP_NUM_THREADS" not in environment
    assert "MNIST_MIRROR=/mirror\n" in environment
    assert "ADDED=1\n" in environment
    assert not (clone.folder / "data/raw").exists()


def test_rejects_unknown_parameter(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"found 0 lines for epoch, expected 1$"):
        Clone.of_head(tmp_path / "clone", epoch=3)


def test_copies_clone(tmp_path: Path) -> None:
    clone = Clone.of_head(tmp_path / "clone")
    (clone.folder / "data/one").write_text("1")
    (clone.folder / "data/other").hardlink_to(clone.folder / "data/one")
    copy = clone.copy("copy")
    assert copy.folder == tmp_path / "copy"
    assert (copy.folder / "data/one").samefile(copy.folder / "data/other")
    assert copy.run("git", "rev-parse", "HEAD").stdout == clone.run("git", "rev-parse", "HEAD").stdout
