from pathlib import Path

import pytest

from predict import PredictError
from predict.labels import choose_labels

DIGITS = list("0123456789")
CLOTHES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def test_folder_is_the_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_labels("", CLOTHES)("Ankle boot/a.png") == 9
    assert choose_labels("", CLOTHES)("images/3/a.png") == 3
    (tmp_path / "5").mkdir()
    monkeypatch.chdir(tmp_path / "5")
    assert choose_labels("", DIGITS)("a.png") == 5
    with pytest.raises(PredictError, match=r"^the label is images, must be one of 0, 1, 2"):
        choose_labels("", DIGITS)("images/a.png")


def test_csv_is_relative_to_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "labels.csv").write_text('\ufefffile,label\nimages/a.png,3\n"b,c.png",Shirt\n')
    find = choose_labels(str(tmp_path / "labels.csv"), CLOTHES)
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
)
def test_rejects_csv(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(PredictError) as caught:
        choose_labels(str(tmp_path / "labels.csv"), DIGITS)
    assert str(caught.value).startswith(message)
