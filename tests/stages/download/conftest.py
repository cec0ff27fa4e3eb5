"""Fixtures of the tests of download: a small data set, and mirrors on the loopback device.

Nothing is requested from the public network.
"""

import gzip
import hashlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from stages.download import torchvision_datasets, transfer
from stages.shared import idx
from tests.conftest import RunStage, SetParameters
from tests.stages.download.mirror import Mirror, run_mirror

NAMES = [*idx.TRAIN, *idx.TEST]

Files = dict[str, bytes]
SetMirrors = Callable[..., None]
Download = Callable[..., None]
FailWithCredentials = Callable[[Mirror], str]

HEADER = "dXNlcjp6cTl4eHc3aw=="  # user:zq9xxw7k


@pytest.fixture(scope="session")
def contents() -> Files:
    """Make the four IDX files of a small data set, as bytes."""
    generator = np.random.default_rng(0)

    def make(*shape: int, high: int) -> bytes:
        header = np.array([0x0800 | len(shape), *shape], dtype=">u4").tobytes()
        return header + generator.integers(0, high, shape, dtype=np.uint8).tobytes()

    return {
        idx.TRAIN.images: make(30, 28, 28, high=256),
        idx.TRAIN.labels: make(30, high=10),
        idx.TEST.images: make(20, 28, 28, high=256),
        idx.TEST.labels: make(20, high=10),
    }


@pytest.fixture(scope="session")
def archives(contents: Files) -> Files:
    """Compress the small data set."""
    return compress(contents)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the user's mirror and proxies, and lower the size limit."""
    monkeypatch.setattr(transfer, "LARGEST_ARCHIVE_BYTES", 10**6)
    for name in ("MNIST_MIRROR", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def transfers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[transfer.Transfer]]:
    """Record the transfers in the order they start, and wait for their end."""
    started: list[transfer.Transfer] = []

    class RecordedTransfer(transfer.Transfer):
        def start(self) -> None:
            started.append(self)
            super().start()

    monkeypatch.setattr(transfer, "Transfer", RecordedTransfer)
    yield started
    for thread in started:
        thread.join(timeout=10)


@pytest.fixture
def set_mirrors(archives: Files, set_parameters: SetParameters, monkeypatch: pytest.MonkeyPatch) -> SetMirrors:
    """Return a function that replaces the mirrors and files of torchvision's data sets."""
    base = torchvision_datasets.find_dataset("kmnist")

    def change(*mirrors: str, dataset: str = "kmnist", files: Files = archives) -> None:
        synthetic = type("Synthetic", (base,), {"mirrors": list(mirrors), "resources": list_resources(files)})
        set_parameters(dataset=dataset)
        monkeypatch.setattr(torchvision_datasets, "find_dataset", lambda _: synthetic)

    return change


@pytest.fixture
def download(set_mirrors: SetMirrors, run_stage: RunStage) -> Download:
    """Return a function that runs the stage with these mirrors."""

    def run(*mirrors: str) -> None:
        set_mirrors(*mirrors)
        run_stage("download")

    return run


@pytest.fixture
def fail_with_credentials(
    set_mirrors: SetMirrors,
    run_stage: RunStage,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> FailWithCredentials:
    """Return a function that runs the stage with a mirror that must fail, and returns all output, without the URL."""

    def fail(mirror: Mirror) -> str:
        monkeypatch.setenv("MNIST_MIRROR", mirror.add_credentials("user", "zq9xxw7k"))
        set_mirrors()
        with pytest.raises(SystemExit) as caught:
            run_stage("download")
        assert caught.value.code == transfer.NO_MIRROR
        assert list_data() == []
        output = "".join(capfd.readouterr())
        for secret in ("zq9x", HEADER.lower(), "user:", "user@"):
            assert secret not in output.lower()
        assert output.count("\n") == 1
        assert f"{mirror.url}{NAMES[0]}.gz: " in output
        return output

    return fail


@pytest.fixture
def good(archives: Files) -> Iterator[Mirror]:
    """Run a mirror without a fault."""
    with run_mirror(archives) as server:
        yield server


def compress(files: Files) -> Files:
    """Compress files, and add .gz to their names."""
    return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in files.items()}


def list_resources(files: Files) -> list[tuple[str, str]]:
    """List file names and MD5s as torchvision does."""
    return [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]  # noqa: S324


def read_raw() -> Files:
    """Read the output of the stage."""
    return {path.name: path.read_bytes() for path in Path("data/raw").iterdir()}


def list_data() -> list[str]:
    """List the content of data, apart from the input of the stage."""
    return [path.name for path in Path("data").iterdir() if path.name != "parameters.valid"]


def find_closed_port() -> int:
    """Find a port where no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
