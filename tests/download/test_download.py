"""Tests of the download, against mirrors on the loopback device; nothing is asked of the public network."""

import gzip
import hashlib
import http.client
import io
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from stages.download import __main__ as download
from stages.download import transfer
from stages.shared import idx, stage
from stages.shared.stage import StageError
from tests import mirror as faults
from tests.conftest import MNIST_MIRROR, ROOT, SetParameters, needs_mnist
from tests.mirror import Fault, Mirror, run_mirror

NAMES = [*idx.TRAIN, *idx.TEST]
FIRST = f"{NAMES[0]}.gz"


FAULTS: dict[str, tuple[Fault, str]] = {
    "403": (faults.refuse(403), "HTTP Error 403: Forbidden"),
    "404": (faults.refuse(404), "HTTP Error 404: Not Found"),
    "503": (faults.refuse(503), "HTTP Error 503: Service Unavailable"),
    "truncation": (faults.truncate, r"wrong checksum, \d+ of \d+ bytes"),
    "wrong checksum": (faults.send_instead(b"other"), "wrong checksum, 5 of 5 bytes"),
    "a login page": (faults.send_instead(b"<html>Welcome</html>"), "wrong checksum"),
    "nothing": (faults.send_instead(b""), "wrong checksum, 0 bytes"),
    "reset": (faults.reset, "Connection reset by peer|wrong checksum"),
    "close at once": (faults.close_at_once, "Remote end closed connection without response"),
    "nonsense": (faults.speak_nonsense, r"HTTP Error 403: \[31mred \[0m$"),
    "stall": (faults.stall, "silent for 0.7 s"),
    "stall in the middle": (faults.stall_in_the_middle, "silent for 0.7 s"),
    "headers that trickle": (faults.trickle(b"HTTP/1.0 200 OK\r\nX-Pad: "), "too slow"),
    "body that trickles": (faults.trickle(b"HTTP/1.0 200 OK\r\n\r\n"), "too slow"),
    "chunk size that trickles": (
        faults.trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;"),
        "too slow",
    ),
    "endless body": (faults.endless_file, r"wrong checksum, 1\d{6} bytes"),
    "redirect loop": (faults.redirect_loop, "HTTP Error 302: .*infinite loop"),
    "redirect to a file": (faults.redirect("file:///etc/hostname"), "not allowed"),
    "redirect to nonsense": (faults.redirect("http://[::1"), "Invalid IPv6 URL"),
    "length of another length": (faults.promise_length(10), "wrong checksum, 10 of 10 bytes"),
}

RunStage = Callable[..., None]


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
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


@pytest.fixture(scope="module")
def archives(contents: dict[str, bytes]) -> dict[str, bytes]:
    """Compress the small data set."""
    return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in contents.items()}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time-outs, and keep the user's mirror and proxies out."""
    monkeypatch.setattr(transfer, "SILENCE_SECONDS", 0.7)
    monkeypatch.setattr(transfer, "GRACE_SECONDS", 1.2)
    monkeypatch.setattr(transfer, "LARGEST_ARCHIVE_BYTES", 10**6)
    for name in ("MNIST_MIRROR", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def transfers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[transfer.Transfer]]:
    """Record the transfers in the order they start, and wait for their end."""
    started: list[transfer.Transfer] = []

    class Recorded(transfer.Transfer):
        def start(self) -> None:
            started.append(self)
            super().start()

    monkeypatch.setattr(transfer, "Transfer", Recorded)
    yield started
    for one in started:
        one.join(timeout=10)


@pytest.fixture
def run_stage(archives: dict[str, bytes], set_parameters: SetParameters, monkeypatch: pytest.MonkeyPatch) -> RunStage:
    """Return a function that runs the stage on the small data set, with these mirrors for torchvision's own."""
    base: Any = download.find_dataset("kmnist")

    def run(*mirrors: str, argument: str = "", dataset: str = "kmnist", files: dict[str, bytes] = archives) -> None:
        resources = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]  # noqa: S324
        synthetic = type("Synthetic", (base,), {"mirrors": list(mirrors), "resources": resources})
        set_parameters(dataset=dataset)
        monkeypatch.setattr(download, "find_dataset", lambda _: synthetic)
        monkeypatch.setattr(sys, "argv", ["download", argument] if argument else ["download"])
        download.main()

    return run


@pytest.fixture
def good(archives: dict[str, bytes]) -> Iterator[Mirror]:
    """Run a mirror without a fault."""
    with run_mirror(archives) as server:
        yield server


def read_raw() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("data/raw").iterdir()}


def find_closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("fault", FAULTS)
def test_next_mirror_is_tried_on_any_failure(
    fault: str,
    run_stage: RunStage,
    good: Mirror,
    archives: dict[str, bytes],
    contents: dict[str, bytes],
    transfers: list[transfer.Transfer],
) -> None:
    function, reason = FAULTS[fault]
    with run_mirror(archives, {FIRST: function}) as bad:
        run_stage(bad.url, good.url)
        assert re.search(reason, transfers[0].failure)
        assert bad.requests[0] == good.requests[0] == f"/{FIRST}"
    assert read_raw() == contents
    assert [path.name for path in Path("data").iterdir()] == ["raw"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://a..b/", "http://127.0.0.1:99999/", "nonsense"])
def test_next_mirror_is_tried_where_nothing_answers(
    url: str, run_stage: RunStage, good: Mirror, contents: dict[str, bytes]
) -> None:
    run_stage(url.format(port=find_closed_port()), good.url)
    assert read_raw() == contents


@pytest.mark.parametrize(
    "harmless",
    [faults.keep_open, faults.promise_length("\xb2"), faults.promise_length("-1"), faults.promise_length("9" * 5000)],
    ids=["left open", "odd length", "negative length", "huge length"],
)
def test_whole_file_is_taken_whatever_comes_with_it(
    harmless: Fault, run_stage: RunStage, archives: dict[str, bytes], contents: dict[str, bytes]
) -> None:
    with run_mirror(archives, {FIRST: harmless}) as only:
        run_stage(only.url)
    assert read_raw() == contents


def test_slow_mirror_is_waited_for(
    run_stage: RunStage, archives: dict[str, bytes], contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(transfer, "SLOWEST_BYTES_PER_SECOND", 5000)
    with run_mirror(archives, {FIRST: faults.send_slowly(1)}) as only:
        run_stage(only.url)
    assert read_raw() == contents


def test_redirect_is_followed_without_its_page(
    run_stage: RunStage, good: Mirror, archives: dict[str, bytes], transfers: list[transfer.Transfer]
) -> None:
    with run_mirror(archives, {FIRST: faults.redirect(good.url + FIRST)}) as redirecting:
        run_stage(redirecting.url)
    assert transfers[0].failure == ""
    assert good.requests == [f"/{FIRST}"]


def test_https_is_not_retried_as_http(
    run_stage: RunStage, good: Mirror, archives: dict[str, bytes], contents: dict[str, bytes]
) -> None:
    with run_mirror(archives) as plain:
        run_stage(plain.url.replace("http:", "https:"), good.url)
        assert plain.requests == []
    assert read_raw() == contents


def test_https_is_not_redirected_to_http(
    run_stage: RunStage,
    good: Mirror,
    archives: dict[str, bytes],
    transfers: list[transfer.Transfer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def open_without_tls(handler: urllib.request.HTTPSHandler, request: urllib.request.Request) -> Any:
        return handler.do_open(http.client.HTTPConnection, request)

    monkeypatch.setattr(urllib.request.HTTPSHandler, "https_open", open_without_tls)
    with run_mirror(archives) as target, run_mirror(archives, {FIRST: faults.redirect(target.url + FIRST)}) as secure:
        run_stage(secure.url.replace("http:", "https:"), good.url)
        assert secure.requests[0] == f"/{FIRST}"
        assert target.requests == []
    assert transfers[0].failure == f"redirects from https to {target.url}{FIRST}"


def test_failure_lists_every_mirror_and_what_to_do_offline(
    run_stage: RunStage,
    archives: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path / "missing folder"))
    closed = f"http://127.0.0.1:{find_closed_port()}/"
    with (
        run_mirror(archives, {f"{NAMES[2]}.gz": faults.refuse(403)}) as refusing,
        run_mirror({}) as empty,
        pytest.raises(SystemExit) as caught,
    ):
        stage.run(lambda: run_stage(refusing.url, empty.url, closed))
    assert caught.value.code == transfer.NO_MIRROR
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    assert f"file://{tmp_path}/missing%20folder/{NAMES[2]}.gz: No such file or directory;" in message
    assert f"{refusing.url}{NAMES[2]}.gz: HTTP Error 403: Forbidden;" in message
    assert f"{empty.url}{NAMES[2]}.gz: HTTP Error 404: Not Found;" in message
    assert f"{closed}{NAMES[2]}.gz: Connection refused)" in message
    assert "offline, set MNIST_MIRROR" in message
    assert "dvc exp run -S dataset=digits -S validation_size=150\n" in message
    assert list(Path("data").iterdir()) == []


@pytest.mark.parametrize(
    "url",
    ["htp://x", "ftp://127.0.0.1/", "://x", "http://", "http://[::1", "http://a b/", "http://x:99999/", "a\n://\x1b"],
)
def test_malformed_own_mirror_is_refused_in_one_line(
    url: str, run_stage: RunStage, good: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", url)
    with pytest.raises(StageError) as caught:
        run_stage(good.url)
    assert (
        str(caught.value) == f"MNIST_MIRROR: {url!r} is not allowed; it must be an http, https or file URL, or a folder"
    )
    assert good.requests == []


@pytest.mark.parametrize(
    "form", ["{path}", "{path}/", "own mirror", "file://{path}", "{uri}", " {uri} ", "{http}a folder/50%"]
)
def test_own_mirror_comes_first(
    form: str,
    run_stage: RunStage,
    good: Mirror,
    archives: dict[str, bytes],
    contents: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "own mirror"
    folder.mkdir()
    for name, content in archives.items():
        (folder / name).write_bytes(content)
    with run_mirror(archives) as own:
        monkeypatch.setenv("MNIST_MIRROR", form.format(path=folder, uri=folder.as_uri(), http=own.url))
        run_stage(good.url)
        assert own.requests == ([f"/a%20folder/50%/{name}" for name in archives] if "http" in form else [])
    assert read_raw() == contents
    assert good.requests == []


def test_torchvisions_mirrors_follow_the_own(
    run_stage: RunStage, good: Mirror, contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path))
    run_stage(good.url)
    assert read_raw() == contents


def test_files_of_different_mirrors_make_one_data_set(
    run_stage: RunStage, archives: dict[str, bytes], contents: dict[str, bytes]
) -> None:
    names = list(archives)
    with (
        run_mirror({name: archives[name] for name in names[::2]}) as even,
        run_mirror({name: archives[name] for name in names[1::2]}) as odd,
    ):
        run_stage(even.url, odd.url)
    assert read_raw() == contents


def test_earlier_data_set_is_replaced_only_by_a_whole_one(
    run_stage: RunStage, good: Mirror, contents: dict[str, bytes]
) -> None:
    earlier = Path("data/raw/earlier")
    earlier.parent.mkdir(parents=True)
    earlier.touch()
    with pytest.raises(StageError):
        run_stage()
    assert earlier.exists()
    run_stage(good.url)
    assert read_raw() == contents


KILLED = """
import sys
from stages.download import __main__ as download
from stages.download import transfer
class Synthetic:
    mirrors = [sys.argv.pop()]
    resources = [(name, md5) for name, md5 in zip(sys.argv[1::2], sys.argv[2::2])]
del sys.argv[1:]
download.find_dataset = lambda name: Synthetic
download.main()
"""


def test_killed_download_leaves_nothing_behind(
    run_stage: RunStage,
    good: Mirror,
    archives: dict[str, bytes],
    contents: dict[str, bytes],
    set_parameters: SetParameters,
) -> None:
    set_parameters(dataset="kmnist")
    last = f"{NAMES[3]}.gz"
    resources = [part for name, content in archives.items() for part in (name, hashlib.md5(content).hexdigest())]  # noqa: S324
    with run_mirror(archives, {last: faults.stall_in_the_middle}) as stalling:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, *resources, stalling.url], env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        while f"/{last}" not in stalling.requests:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.wait()
    assert not Path("data/raw").exists()
    assert Path("data/raw.partial").exists()
    run_stage(good.url)
    assert read_raw() == contents
    assert [path.name for path in Path("data").iterdir()] == ["raw"]


def test_nothing_is_printed_without_a_terminal(
    run_stage: RunStage, good: Mirror, capfd: pytest.CaptureFixture[str]
) -> None:
    run_stage(good.url)
    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_on_a_terminal(
    run_stage: RunStage, good: Mirror, archives: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    run_stage(good.url)
    for name in archives:
        assert re.search(rf"{name}: 100%", terminal.getvalue())


def test_data_set_of_the_wrong_structure_is_refused(run_stage: RunStage, contents: dict[str, bytes]) -> None:
    labels = contents[NAMES[3]]
    wrong = {
        f"{name}.gz": gzip.compress(content) for name, content in (contents | {NAMES[3]: labels[:-1] + b"\n"}).items()
    }
    with run_mirror(wrong) as only, pytest.raises(StageError, match=f"{NAMES[3]}: holds the label 10, must be 0 to 9"):
        run_stage(only.url, files=wrong)
    assert list(Path("data").iterdir()) == []


def test_other_data_is_not_taken_for_mnist(run_stage: RunStage, good: Mirror) -> None:
    with pytest.raises(StageError, match=f"{NAMES[0]}: SHA-256 is .*, must be {download.MNIST_SHA256[NAMES[0]]}"):
        run_stage(good.url, dataset="mnist")
    assert list(Path("data").iterdir()) == []


def test_probe_succeeds_without_waiting_for_other_mirrors(
    run_stage: RunStage, good: Mirror, archives: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "SILENCE_SECONDS", 5.0)
    with run_mirror(archives, dict.fromkeys(archives, faults.stall)) as silent:
        started = time.monotonic()
        run_stage(silent.url, good.url, argument="--probe")
        assert time.monotonic() - started < 3
        assert silent.requests
    assert not Path("data").exists()


def test_probe_fails_in_time(run_stage: RunStage, archives: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "SILENCE_SECONDS", 5.0)
    monkeypatch.setattr(transfer, "PROBE_SECONDS", 0.7)
    with run_mirror(archives, dict.fromkeys(archives, faults.stall)) as silent, run_mirror({}) as empty:
        started = time.monotonic()
        with pytest.raises(StageError, match=r"404: Not Found.*too slow.*offline"):
            run_stage(empty.url, silent.url, argument="--probe")
        assert time.monotonic() - started < 3


def test_probe_fails_at_once_where_every_mirror_refuses(run_stage: RunStage) -> None:
    with run_mirror({}) as empty:
        started = time.monotonic()
        with pytest.raises(StageError, match="404: Not Found"):
            run_stage(empty.url, empty.url, argument="--probe")
        assert time.monotonic() - started < 4


def test_probe_needs_no_mirror_for_the_digits(run_stage: RunStage) -> None:
    run_stage(argument="--probe", dataset="digits")
    assert not Path("data").exists()


def test_digits_are_written_as_mnists_files(run_stage: RunStage) -> None:
    run_stage(dataset="digits")
    assert set(read_raw()) == set(NAMES)
    train_images, train_labels = idx.read_images_and_labels(Path("data/raw"), idx.TRAIN)
    test_images, test_labels = idx.read_images_and_labels(Path("data/raw"), idx.TEST)
    assert (len(train_images), len(test_images)) == (1500, 297)
    labels = np.concatenate([train_labels, test_labels])
    shares = np.bincount(labels) * (297 / 1797)
    assert np.abs(np.bincount(test_labels) - shares).max() < 1, "not stratified"

    images = np.concatenate([train_images, test_images])
    inner = images[:, 2:26, 2:26]
    assert np.pad(inner, ((0, 0), (2, 2), (2, 2))).tolist() == images.tolist(), "the margin is not black"
    assert (inner == inner[:, ::3, ::3].repeat(3, axis=1).repeat(3, axis=2)).all()
    assert (images.min(), images.max()) == (0, 255)
    digits = load_digits()
    expected = sorted(zip(digits.target, digits.data.astype(int).tolist(), strict=True))
    values = np.round(inner[:, ::3, ::3].reshape(-1, 64) * (16 / 255)).astype(int)
    assert sorted(zip(labels, values.tolist(), strict=True)) == expected


def test_digits_are_split_once_and_for_all(run_stage: RunStage) -> None:
    digests = []
    for _ in range(2):
        run_stage(dataset="digits")
        digests.append({name: hashlib.sha256(content).hexdigest()[:16] for name, content in read_raw().items()})
    assert digests[0] == digests[1]
    assert digests[0] == {
        "train-images-idx3-ubyte": "efff08fe04a93dbf",
        "train-labels-idx1-ubyte": "ffa08eb9034e0f1b",
        "t10k-images-idx3-ubyte": "558ff5620b385c9c",
        "t10k-labels-idx1-ubyte": "86b7eb3e026ebcae",
    }


def test_operators_are_declared_only_where_they_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert issubclass(download.find_dataset("fashion_mnist"), download.find_dataset("mnist"))
    declared: list[str] = []
    monkeypatch.setattr(torch.library, "define", lambda name, _: declared.append(name))
    download.declare_missing_operators()
    assert declared == []


@needs_mnist
def test_mnist_is_had_from_the_mirror(set_parameters: SetParameters, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SILENCE_SECONDS": 5.0, "GRACE_SECONDS": 10.0, "LARGEST_ARCHIVE_BYTES": 2**25}.items():
        monkeypatch.setattr(transfer, name, value)
    monkeypatch.setattr(download.find_dataset("mnist"), "mirrors", [f"http://127.0.0.1:{find_closed_port()}/"])
    monkeypatch.setenv("MNIST_MIRROR", MNIST_MIRROR)
    monkeypatch.setattr(sys, "argv", ["download"])
    set_parameters(dataset="mnist")
    download.main()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in read_raw().items()}
    assert digests == download.MNIST_SHA256
    assert [path.name for path in Path("data").iterdir()] == ["raw"]
