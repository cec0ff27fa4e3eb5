from pathlib import Path

import pytest

from predict.errors import PredictError
from predict.labels import label_by_csv, label_by_folder

DIGITS = list("0123456789")
CLOTHES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def test_folder_is_the_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert label_by_folder(DIGITS)("images/7/a.png") == 7
    assert label_by_folder(CLOTHES)("Ankle boot/a.png") == 9
    assert label_by_folder(CLOTHES)("3/a.png") == 3
    (tmp_path / "5").mkdir()
    monkeypatch.chdir(tmp_path / "5")
    assert label_by_folder(DIGITS)("a.png") == 5
    with pytest.raises(PredictError, match=r"^the label is images, must be one of 0, 1, 2"):
        label_by_folder(DIGITS)("images/a.png")


def test_csv_is_relative_to_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "labels.csv").write_text('\ufefffile,label\nimages/a.png,3\n"b,c.png",Shirt\n')
    find = label_by_csv(tmp_path / "labels.csv", CLOTHES)
    monkeypatch.chdir("/")
    assert find(str(tmp_path / "images/../images/a.png")) == 3
    assert find(str(tmp_path / "b,c.png")) == 6
    with pytest.raises(PredictError, match=r"^has no label in .*labels\.csv$"):
        find("a.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the first line must be file,label"),
        (b"a.png,1\n", "the first line must be file,label"),
        (b"file,label\na.png,1\nb.png\n", "line 3: must have a file and a label"),
        (b"file,label\na.png,1,2\n", "line 2: must have a file and a label"),
        (b"file,label\na.png,10\n", "line 2: the label is 10, must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        (b"file,label\n\xff,1\n", "not a CSV file in UTF-8"),
        (b"file,label\na\0.png,1\n", "not a CSV file in UTF-8"),
    ],
    ids=["empty", "header", "short", "long", "label", "encoding", "null"],
)
def test_rejects(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(PredictError) as caught:
        label_by_csv(tmp_path / "labels.csv", DIGITS)
    assert str(caught.value).startswith(message)


def test_rejects_missing_csv() -> None:
    with pytest.raises(PredictError, match=r"^No such file or directory$"):
        label_by_csv(Path("none.csv"), DIGITS)
