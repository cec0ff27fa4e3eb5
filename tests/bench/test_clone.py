from pathlib import Path

import pytest

from bench.clone import Clone


def test_a_clone_has_its_settings_committed_and_its_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", "/mirror")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    clone = Clone.of_head(tmp_path / "clone", epochs=3, dataset="digits")
    changes = clone.run("git", "show", "--unified=0", "--format=%an").output
    assert "+epochs: 3\n" in changes
    assert "+dataset: digits\n" in changes
    assert clone.run("git", "status", "--porcelain").output == ""
    environment = clone.run("env", ADDED="1").output
    assert "OMP_NUM_THREADS" not in environment
    assert "MNIST_MIRROR=/mirror\n" in environment
    assert "ADDED=1\n" in environment
    assert not (clone.folder / "data/raw").exists()


def test_a_parameter_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MIRROR", "/mirror")
    with pytest.raises(ValueError, match=r"0 lines for epoch$"):
        Clone.of_head(tmp_path / "clone", epoch=3)


def test_a_copy_lies_beside_its_clone_and_has_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MIRROR", "/mirror")
    clone = Clone.of_head(tmp_path / "clone")
    (clone.folder / "data/one").write_text("1")
    (clone.folder / "data/other").hardlink_to(clone.folder / "data/one")
    copy = clone.copy("copy")
    assert copy.folder == tmp_path / "copy"
    assert (copy.folder / "data/one").samefile(copy.folder / "data/other")
    assert copy.run("git", "rev-parse", "HEAD").output == clone.run("git", "rev-parse", "HEAD").output
