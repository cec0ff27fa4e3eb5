"""Tests of download with mirrors on the loopback device: nothing is requested from the public network."""

import base64
import gzip
import hashlib
import io
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from stages import download
from stages.shared import idx, mirrors
from stages.shared.errors import StageError
from stages.shared.parameters import DownloadParameters
from tests.conftest import MNIST_MIRROR, needs_mnist
from tests.stages import mirror as faults
from tests.stages.conftest import RunStage, SetParameters, make
from tests.stages.mirror import Mirror, find_closed_port, run_mirror

NAMES = [*idx.TRAIN, *idx.TEST]
FIRST = f"{NAMES[0]}.gz"
LAST = f"{NAMES[3]}.gz"
SECRETS = ("zq9x", "xw7k", "dXNlcjp6cTl4eHc3aw==")  # parts that a parser may separate; user:zq9xxw7k in Base64
HEADER = f"Basic {SECRETS[2]}"
KMNIST = make(DownloadParameters, dataset="kmnist")

Files = dict[str, bytes]
SetMirrors = Callable[..., None]


PORT = find_closed_port()


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Make the four IDX files of a small data set."""
    generator = np.random.default_rng(0)

    def make(*shape: int, high: int) -> bytes:
        header = np.array([0x0800 | len(shape), *shape], dtype=">u4").tobytes()
        return header + generator.integers(0, high, shape, dtype=np.uint8).tobytes()

    shapes = [(30, 28, 28), (30,), (20, 28, 28), (20,)]
    return {name: make(*shape, high=10 if len(shape) == 1 else 256) for name, shape in zip(NAMES, shapes, strict=True)}


@pytest.fixture(scope="module")
def archives(contents: Files) -> Files:
    return compress(contents)


def compress(files: Files) -> Files:
    return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in files.items()}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder, without the user's mirror, proxies and ~/.netrc."""
    for name in ("MNIST_MIRROR", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr(mirrors, "PAUSE_SECONDS", 0.01)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def set_mirrors(archives: Files, monkeypatch: pytest.MonkeyPatch) -> SetMirrors:
    """Return a function that replaces the public mirrors, and files, of torchvision's KMNIST."""
    download.declare_missing_operators()
    from torchvision import datasets

    def change(*urls: str, files: Files = archives) -> None:
        resources = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]  # noqa: S324
        monkeypatch.setattr(datasets.KMNIST, "mirrors", list(urls))
        monkeypatch.setattr(datasets.KMNIST, "resources", resources)

    change()
    return change


@pytest.fixture
def good(archives: Files) -> Iterator[Mirror]:
    with run_mirror(archives) as server:
        yield server


def read_raw() -> Files:
    return {path.name: path.read_bytes() for path in Path("data/raw").iterdir() if path.name != idx.CLASSES}


def test_downloads_and_replaces_data(
    set_mirrors: SetMirrors, archives: Files, contents: Files, capfd: pytest.CaptureFixture[str]
) -> None:
    """Data of an earlier run stays until the last file is there, and a download that was killed is no obstacle."""
    earlier, partial = Path("data/raw/earlier"), Path("data/raw.partial/file")
    for path in (earlier, partial):
        path.parent.mkdir(parents=True)
        path.touch()
    set_mirrors(f"http://127.0.0.1:{PORT}/")
    with pytest.raises(StageError):
        download.main(KMNIST)
    capfd.readouterr()

    def look_and_send(response: faults.Response, body: bytes) -> None:
        seen.extend(path.name for path in Path("data/raw").iterdir())
        faults.send(response, body)

    seen: list[str] = []
    with run_mirror(archives, {LAST: look_and_send}) as server:
        set_mirrors(server.url)
        download.main(KMNIST)
    assert seen == ["earlier"]
    assert read_raw() == contents
    assert [path.name for path in Path("data").iterdir()] == ["raw"]
    assert capfd.readouterr() == ("", "")


def test_shows_progress_on_terminal(set_mirrors: SetMirrors, good: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    set_mirrors(good.url)
    download.main(KMNIST)
    for name in NAMES:
        assert f"{name}.gz: 100%" in terminal.getvalue()


def test_combines_mirrors(
    set_mirrors: SetMirrors, good: Mirror, archives: Files, contents: Files, capfd: pytest.CaptureFixture[str]
) -> None:
    with run_mirror({name: archives[name] for name in archives if name != FIRST}) as incomplete:
        set_mirrors(incomplete.url, good.url)
        download.main(KMNIST)
        assert incomplete.requests == [f"/{FIRST}"], "the mirror that served the file is not the first"
    assert read_raw() == contents
    assert capfd.readouterr().err == f"mirror {incomplete.url} does not serve {FIRST}: HTTP status 404\n"


def test_tries_again_after_temporary_failure(set_mirrors: SetMirrors, archives: Files, contents: Files) -> None:
    with run_mirror(archives, {FIRST: faults.fail_once}) as failing, run_mirror({}) as empty:
        set_mirrors(empty.url, failing.url)
        download.main(KMNIST)
        assert failing.requests == [f"/{name}" for name in (FIRST, *archives)]
        assert empty.requests == [f"/{FIRST}"], "tried again, although its failure is permanent"
    assert read_raw() == contents


@pytest.mark.parametrize("form", ["{folder}", "file://{folder}", " {uri} ", "{http}a folder/50%"])
def test_tries_own_mirror_first(
    form: str,
    set_mirrors: SetMirrors,
    good: Mirror,
    archives: Files,
    contents: Files,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = folder / "own:a@b mirror"
    own.mkdir()
    for name, content in archives.items():
        (own / name).write_bytes(content)
    with run_mirror(archives) as server:
        monkeypatch.setenv("MNIST_MIRROR", form.format(folder=own, uri=own.as_uri(), http=server.url))
        set_mirrors(good.url)
        download.main(KMNIST)
        assert server.requests == ([f"/a%20folder/50%25/{name}" for name in archives] if "http" in form else [])
    assert read_raw() == contents
    assert good.requests == []


def test_says_why_own_mirror_is_not_used(
    run_stage: RunStage,
    set_parameters: SetParameters,
    set_mirrors: SetMirrors,
    good: Mirror,
    contents: Files,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", "/missing")
    set_mirrors(good.url)
    set_parameters(dataset="kmnist")
    run_stage("download", "--probe")
    assert capfd.readouterr().err == f"mirror /missing/ does not serve {LAST}: no such file\n"
    assert not Path("data/raw").exists()
    run_stage("download")
    assert read_raw() == contents


def test_fails_where_no_mirror_is_reachable(
    run_stage: RunStage,
    set_parameters: SetParameters,
    set_mirrors: SetMirrors,
    archives: Files,
    capfd: pytest.CaptureFixture[str],
) -> None:
    closed = f"http://127.0.0.1:{PORT}/"
    with run_mirror(archives, {LAST: faults.send_error(503), FIRST: faults.send_error(503)}) as failing:
        set_mirrors(closed, failing.url)
        set_parameters(dataset="kmnist")
        with pytest.raises(SystemExit, match="3"):
            run_stage("download", "--probe")
        assert failing.requests == [f"/{LAST}"], "a probe must not wait for another attempt"
        assert capfd.readouterr().err.splitlines() == [
            f"mirror {closed} does not serve {LAST}: Connection refused",
            f"mirror {failing.url} does not serve {LAST}: HTTP status 503",
        ]
        with pytest.raises(SystemExit, match="3"):
            run_stage("download")
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 3
    assert re.match(
        f"error: no mirror serves {FIRST}; .* dvc exp run -S dataset=digits -S validation_size=150", lines[2]
    )
    assert not Path("data/raw").exists()
    assert not Path("data/raw.partial").exists()


def test_probe_stops_at_deadline(
    set_mirrors: SetMirrors, archives: Files, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PROBE_SECONDS", 0.3)
    with run_mirror(archives, {LAST: faults.then_wait(faults.truncate)}) as silent:
        set_mirrors(silent.url, silent.url)
        with pytest.raises(SystemExit) as caught:
            download.probe(KMNIST)
    assert caught.value.code == 3
    assert capfd.readouterr().err == f"mirror {silent.url} does not serve {LAST}: too slow\n"


def test_probe_needs_no_mirror_for_digits(set_mirrors: SetMirrors) -> None:
    set_mirrors()
    download.probe(make(DownloadParameters, dataset="digits"))
    with pytest.raises(SystemExit):
        download.probe(KMNIST)


# A mirror is tried, or else its value is rejected.
TRIED = [
    f"http://user:zq9xxw7k@127.0.0.1:{PORT}/",
    f"http://:zq9xxw7k@127.0.0.1:{PORT}",
    f"http://user:zq9x@xw7k@127.0.0.1:{PORT}/",
    f"http://user:zq9x \\xw7k@127.0.0.1:{PORT}/",
    f"https://user:zq9xxw7k@[::1]:{PORT}/",
    "http://user:zq9xxw7k@a..b/",
]
REJECTED = [
    "relative/folder",
    "file://host/folder",
    "://x",
    "http://",
    "http://[::1",
    "http://x:99999/",
    "/a\n\x1b",
    "http://127.0.0.1/?token=zq9xxw7k",
    "http://127.0.0.1/#zq9xxw7k",
    "http://user:zq9x\txw7k@127.0.0.1/",
    "http://user:zq9x\udce9xw7k@127.0.0.1/",  # not UTF-8
    "http:user:zq9xxw7k@127.0.0.1/",
    "http://user:zq9xxw7k@a b/",
    "http://user:1/zq9xxw7k@127.0.0.1/",
    "http://user:zq9xxw7k",
    "http://user%3Azq9xxw7k%40127.0.0.1/",
    "http://user\uff1azq9xxw7k\uff20127.0.0.1/",
    "user:zq9xxw7k@127.0.0.1/",
    "ftp://user:zq9xxw7k@127.0.0.1/",
    "file://user:zq9xxw7k@127.0.0.1/",
]


@pytest.mark.parametrize("url", TRIED, ids=range(len(TRIED)))
def test_does_not_print_credentials(
    url: str, set_mirrors: SetMirrors, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", url)
    set_mirrors()
    with pytest.raises(SystemExit) as caught:
        download.probe(KMNIST)
    assert caught.value.code == 3
    output = "".join(capfd.readouterr())
    assert output.count("\n") == 1
    assert "does not serve" in output
    for secret in SECRETS:
        assert secret not in output
        assert secret not in repr(mirrors.read_own_mirror())


@pytest.mark.parametrize("url", REJECTED, ids=range(len(REJECTED)))
def test_rejects_malformed_mirror(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MIRROR", url)
    with pytest.raises(StageError, match=r"^MNIST_MIRROR: must be") as caught:
        mirrors.read_own_mirror()
    assert caught.value.status == 1
    assert caught.value.__context__ is None, "a debugger or a log may show it"
    for secret in SECRETS:
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("credentials", "received"),
    [
        ("us%20er:a%3Ab%40c%2Fd%3Fe%23f%25", "us er:a:b@c/d?e#f%"),
        ("ü:中", "ü:中"),
        ("user:a@b:c d", "user:a@b:c d"),
        ("token", "token:"),
        (":zq9xxw7k", ":zq9xxw7k"),
        (":", None),
    ],
)
def test_sends_credentials(
    credentials: str,
    received: str | None,
    set_mirrors: SetMirrors,
    good: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", good.add_credentials(credentials))
    set_mirrors()
    download.probe(KMNIST)
    header = f"Basic {base64.b64encode(received.encode()).decode()}" if received else None
    assert good.authorizations == [header]
    assert capfd.readouterr() == ("", "")


def test_sends_credentials_of_netrc_to_own_mirror_only(
    set_mirrors: SetMirrors, archives: Files, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "netrc").write_text(
        "machine 127.0.0.1 login user password zq9xxw7k\ndefault login user password zq9xxw7k\n"
    )
    with run_mirror({}) as own, run_mirror(archives, {LAST: faults.redirect("")}) as public:
        public.faults = {LAST: faults.redirect_once(f"http://localhost:{public.server_port}/folder/{LAST}")}
        monkeypatch.setenv("MNIST_MIRROR", own.url)
        set_mirrors(public.url)
        download.probe(KMNIST)
        assert own.authorizations == [HEADER]
        assert public.authorizations == [None, None]


def test_accepts_unpacked_file_with_the_right_checksum(contents: Files) -> None:
    file = mirrors.File(NAMES[0], "no archive has this MD5", hashlib.sha256(contents[NAMES[0]]).hexdigest())
    with run_mirror(contents) as server:
        mirror = mirrors.Mirror(server.url)
        deadline = time.monotonic() + 10
        assert mirrors.fetch(file, [mirror], deadline) == contents[NAMES[0]]
        assert mirrors.fetch(file._replace(sha256="other"), [mirror], deadline) is None
        assert mirrors.fetch(file._replace(sha256=None), [mirror], deadline) is None


def test_rejects_archive_that_is_too_large_unpacked(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mirrors, "MAX_BYTES", 10**6)
    bomb = gzip.compress(bytes(10**8))
    file = mirrors.File("bomb", hashlib.md5(bomb).hexdigest(), None)  # noqa: S324
    with run_mirror({"bomb.gz": bomb}) as server:
        tracemalloc.start()
        assert mirrors.fetch(file, [mirrors.Mirror(server.url)], time.monotonic() + 10) is None
        assert tracemalloc.get_traced_memory()[1] < 10**7
        tracemalloc.stop()
    assert capfd.readouterr().err == f"mirror {server.url} does not serve bomb.gz: more than 1000000 bytes, unpacked\n"


def test_rejects_invalid_data(set_mirrors: SetMirrors, contents: Files) -> None:
    wrong = compress(contents | {NAMES[3]: contents[NAMES[3]][:-1]})
    with run_mirror(wrong) as server:
        set_mirrors(server.url, files=wrong)
        with pytest.raises(StageError, match=f"^data/raw.partial/{NAMES[3]}: header says .* bytes of data"):
            download.main(KMNIST)
    assert list(Path("data").iterdir()) == []


def test_rejects_other_data_as_mnist(contents: Files, folder: Path) -> None:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    download.verify("kmnist", folder)
    with pytest.raises(StageError, match=f"{NAMES[0]}: SHA-256 is .*, must be {download.MNIST_SHA256[NAMES[0]]}$"):
        download.verify("mnist", folder)


@needs_mnist
def test_reads_unpacked_mnist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = folder / "mnist"
    own.mkdir()
    for name in NAMES:
        (own / name).write_bytes(gzip.decompress(Path(MNIST_MIRROR, f"{name}.gz").read_bytes()))
    monkeypatch.setenv("MNIST_MIRROR", str(own))
    download.main(make(DownloadParameters, dataset="mnist"))
    assert {name: hashlib.sha256(content).hexdigest() for name, content in read_raw().items()} == download.MNIST_SHA256


def test_writes_all_digits_of_scikit_learn() -> None:
    download.main(make(DownloadParameters, dataset="digits"))
    train_images, train_labels = idx.read_images_and_labels(Path("data/raw"), idx.TRAIN)
    test_images, test_labels = idx.read_images_and_labels(Path("data/raw"), idx.TEST)
    assert (len(train_images), len(test_images)) == (1500, 297)
    labels = np.concatenate([train_labels, test_labels])
    assert np.abs(np.bincount(test_labels) - np.bincount(labels) * (297 / 1797)).max() < 1, "not stratified"
    images = np.concatenate([train_images, test_images])
    small = images[:, 3:26:3, 3:26:3]
    assert (np.pad(small.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2))) == images).all()
    values = np.round(small.reshape(-1, 64) * (16 / 255)).astype(int)
    digits = load_digits()
    expected = sorted(zip(digits.target, digits.data.astype(int).tolist(), strict=True))
    assert sorted(zip(labels, values.tolist(), strict=True)) == expected
