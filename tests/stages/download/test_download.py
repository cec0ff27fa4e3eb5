import hashlib
import io
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.download import torchvision_datasets, transfer
from stages.download.verification import MNIST_SHA256
from tests.conftest import MNIST_MIRROR, FailStage, RunStage, SetParameters, needs_mnist
from tests.stages.download import faults
from tests.stages.download.conftest import (
    NAMES,
    Download,
    Files,
    SetMirrors,
    compress,
    find_closed_port,
    list_data,
    list_resources,
    read_raw,
)
from tests.stages.download.mirror import Mirror, run_mirror

# Runs the stage with a mirror (the last argument) and resources (the others).
DOWNLOAD = """
import runpy, sys
from stages.download import torchvision_datasets
class Synthetic:
    mirrors = [sys.argv.pop()]
    resources = list(zip(sys.argv[1::2], sys.argv[2::2]))
del sys.argv[1:]
torchvision_datasets.find_dataset = lambda name: Synthetic
runpy.run_module("stages.download", run_name="__main__", alter_sys=True)
"""


def test_replaces_data_only_after_success(
    download: Download, set_mirrors: SetMirrors, fail_stage: FailStage, good: Mirror, contents: Files
) -> None:
    earlier = Path("data/raw/earlier")
    earlier.parent.mkdir()
    earlier.touch()
    set_mirrors()
    fail_stage("download")
    assert earlier.exists()
    download(good.url)
    assert read_raw() == contents


def test_succeeds_after_killed_download(
    download: Download, good: Mirror, archives: Files, contents: Files, set_parameters: SetParameters
) -> None:
    set_parameters(dataset="kmnist")
    last = f"{NAMES[3]}.gz"
    resources = [part for resource in list_resources(archives) for part in resource]
    with run_mirror(archives, {last: faults.stall_within_body}) as stalling:
        process = subprocess.Popen([sys.executable, "-c", DOWNLOAD, *resources, stalling.url])
        while f"/{last}" not in stalling.requests:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.wait()
    assert not Path("data/raw").exists()
    assert Path("data/raw.partial").exists()
    download(good.url)
    assert read_raw() == contents
    assert list_data() == ["raw"]


def test_prints_nothing_without_terminal(download: Download, good: Mirror, capfd: pytest.CaptureFixture[str]) -> None:
    download(good.url)
    assert capfd.readouterr() == ("", "")


def test_shows_progress_on_terminal(
    download: Download, good: Mirror, archives: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    download(good.url)
    for name in archives:
        assert re.search(rf"{name}: 100%", terminal.getvalue())


def test_digits_have_the_same_bytes_in_each_run(set_parameters: SetParameters, run_stage: RunStage) -> None:
    set_parameters(dataset="digits")
    digests = []
    for _ in range(2):
        run_stage("download")
        digests.append({name: hashlib.sha256(content).hexdigest()[:16] for name, content in read_raw().items()})
    assert digests[0] == digests[1]
    assert digests[0] == {
        "train-images-idx3-ubyte": "efff08fe04a93dbf",
        "train-labels-idx1-ubyte": "ffa08eb9034e0f1b",
        "t10k-images-idx3-ubyte": "558ff5620b385c9c",
        "t10k-labels-idx1-ubyte": "86b7eb3e026ebcae",
    }


def test_rejects_invalid_data(set_mirrors: SetMirrors, fail_stage: FailStage, contents: Files) -> None:
    labels = contents[NAMES[3]]
    wrong = compress(contents | {NAMES[3]: labels[:-1] + b"\n"})
    with run_mirror(wrong) as only:
        set_mirrors(only.url, files=wrong)
        error = fail_stage("download")
    assert error == f"data/raw.partial/{NAMES[3]}: contains the label 10, must be 0 to 9"
    assert list_data() == []


def test_rejects_other_data_as_mnist(set_mirrors: SetMirrors, fail_stage: FailStage, good: Mirror) -> None:
    set_mirrors(good.url, dataset="mnist")
    assert re.search(f"{NAMES[0]}: SHA-256 is .*, must be {MNIST_SHA256[NAMES[0]]}", fail_stage("download"))
    assert list_data() == []


@needs_mnist
def test_downloads_mnist(set_parameters: SetParameters, run_stage: RunStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "LARGEST_ARCHIVE_BYTES", 2**25)
    closed = f"http://127.0.0.1:{find_closed_port()}/"
    monkeypatch.setattr(torchvision_datasets.find_dataset("mnist"), "mirrors", [closed])
    monkeypatch.setenv("MNIST_MIRROR", MNIST_MIRROR)
    set_parameters(dataset="mnist")
    run_stage("download")
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in read_raw().items()}
    assert digests == MNIST_SHA256
    assert list_data() == ["raw"]
