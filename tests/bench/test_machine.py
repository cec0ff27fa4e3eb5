import re

from bench import machine


def test_describe() -> None:
    processor, versions, commit = machine.describe().split("; ")
    assert re.fullmatch(r".+, \d+ cores, \w+ with \w+", processor)
    assert re.fullmatch(r".+, Python 3\.[\d.]+, torch 2\..+, torchvision 0\..+, dvc 3\..+", versions)
    assert re.fullmatch(r"commit [0-9a-f]{7,}, \d{4}-\d\d-\d\d", commit)
