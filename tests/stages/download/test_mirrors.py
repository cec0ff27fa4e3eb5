"""Tests of URLs of mirrors: none prints its credentials, whatever is wrong with it."""

import re
from pathlib import Path

import pytest

from runtime.errors import StageError
from stages.download import probe
from stages.download.mirrors import Mirror, hide_credentials, parse_mirror
from tests.conftest import RunStage
from tests.stages.download.conftest import SetMirrors, find_closed_port

PORT = find_closed_port()
SECRETS = ("zq9x", "xw7k")  # the parts of a password that a parser may separate
URLS = [
    f"http://user:zq9xxw7k@127.0.0.1:{PORT}/",
    f"http://zq9xxw7k@127.0.0.1:{PORT}",
    f"http://:zq9xxw7k@127.0.0.1:{PORT}",
    f"http://user:zq9x@xw7k@127.0.0.1:{PORT}/",
    f"http://user:zq9x:xw7k@127.0.0.1:{PORT}/",
    f"http://user:zq9x xw7k@127.0.0.1:{PORT}/",
    f"http://user:zq9x%xw7k@127.0.0.1:{PORT}/",
    f"http://user:zq9x\txw7k@127.0.0.1:{PORT}/",
    f"http://user:zq9x\nxw7k@127.0.0.1:{PORT}/",
    f"http://user:zq9x\x1bxw7k@127.0.0.1:{PORT}/",
    f"HTTP://user:zq9xxw7k@127.0.0.1:{PORT}/",
    f"http:user:zq9xxw7k@127.0.0.1:{PORT}/",
    f"http:/user:zq9xxw7k@127.0.0.1:{PORT}/",
    f"http:////user:zq9xxw7k@127.0.0.1:{PORT}/",
    f"http:\\\\user:zq9xxw7k@127.0.0.1:{PORT}\\",
    f"http://127.0.0.1:{PORT}/?token=zq9xxw7k",
    f"http://127.0.0.1:{PORT}/#zq9xxw7k",
    "http://user:zq9xxw7k@a..b/",
    f"https://user:zq9xxw7k@127.0.0.1:{PORT}/",
]
REJECTED_URLS = [
    "http://user:zq9x xw7k@127.0.0.1:port99999/",
    "http://user:zq9xxw7k@127.0.0.1:99999/",
    "http://user:zq9xxw7k@[::1/",
    "http://user:zq9xxw7k@/",
    "http://user:zq9xxw7k@",
    "http://user:zq9xxw7k@a b/",
    "http://user:zq9x\udce9xw7k@127.0.0.1/",  # not UTF-8
    "http://user:zq9x/xw7k@127.0.0.1/",
    "http://user:1/zq9xxw7k@127.0.0.1/",
    "http://user:zq9x?xw7k@127.0.0.1/",
    "http://user:1/zq9xxw7k@127.0.0.1/../b/",
    "http://user:1?zq9xxw7k@127.0.0.1/",
    "http://user:zq9x#xw7k@127.0.0.1/",
    "http://user:1#zq9xxw7k@127.0.0.1/",
    "http://user:zq9x\\xw7k@127.0.0.1/",
    "http://user:1\\zq9xxw7k@127.0.0.1/",
    "http://user:zq9x[xw7k]@127.0.0.1:x/",
    "http://user:zq9xxw7k",
    "http://user:zq9x/xw7k",
    "http://user:1zq9x",
    "http://[::1]:zq9xxw7k/",
    "http://user:zq9xxw7k%40127.0.0.1/",
    "http://user%3Azq9xxw7k%40127.0.0.1/",
    "http://user%3azq9xxw7k",
    "http://user:zq9xxw7k%2540127.0.0.1/",
    "http://user:zq9xxw7k\uff20127.0.0.1/",
    "http://zq9xxw7k\ufe6b127.0.0.1/",
    "http://user\uff1azq9xxw7k/",
    "http:user:zq9xxw7k",
    "://user:zq9xxw7k@127.0.0.1/",
    "//user:zq9xxw7k@127.0.0.1/",
    "http//user:zq9xxw7k@127.0.0.1/",
    "user:zq9xxw7k@127.0.0.1/",
    "user:zq9xxw7k%40127.0.0.1/",
    "user:zq9xxw7k://127.0.0.1/",
    "user:zq9xxw7k@http://127.0.0.1/",
    "'http://user:zq9xxw7k@127.0.0.1/'",
    "ftp://user:zq9xxw7k@127.0.0.1/",
    "htp://user:zq9xxw7k@127.0.0.1/",
    "htp://127.0.0.1/?token=zq9xxw7k",
    "file://user:zq9xxw7k@127.0.0.1/",
    "file:user:zq9xxw7k@127.0.0.1/",
    "file:///user:zq9xxw7k@127.0.0.1/",
    f"{'x' * 300}:zq9xxw7k@127.0.0.1/",
    f"http://user:{'zq9xxw7k' * 500}@127.0.0.1/",
]


# Numbers as ids: the folder of a test has its id in its name, and messages have the folder.
@pytest.mark.parametrize("url", URLS + REJECTED_URLS, ids=range(len(URLS + REJECTED_URLS)))
def test_prints_no_credentials(
    url: str,
    set_mirrors: SetMirrors,
    run_stage: RunStage,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", url)
    set_mirrors()
    with pytest.raises(StageError) as caught:
        probe.main()
    with pytest.raises(SystemExit):
        run_stage("download")
    output = "".join(capfd.readouterr())
    assert output.startswith("error: ")
    assert output.count("\n") == 1
    for secret in SECRETS:
        assert secret not in output + str(caught.value)
    rejected = re.search("error: MNIST_MIRROR: .* is not allowed; ", output)
    assert bool(rejected) == (url in REJECTED_URLS)


@pytest.mark.parametrize("url", REJECTED_URLS, ids=range(len(REJECTED_URLS)))
def test_error_has_no_credentials(url: str) -> None:
    with pytest.raises(StageError) as caught:
        parse_mirror(url)
    assert caught.value.__context__ is None, "a debugger or a log may show it"
    for secret in SECRETS:
        assert secret not in repr(caught.value)


def test_representation_has_no_credentials() -> None:
    mirror = parse_mirror("http://user:zq9xxw7k@host")
    assert mirror == Mirror("http://host/", "Basic dXNlcjp6cTl4eHc3aw==")
    assert repr(mirror) == "Mirror(url='http://host/')"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:zq9x xw7k@host:port99999/a", "http://***@host:port99999/a"),
        ("user:zq9xxw7k@host/a", "***@host/a"),
        ("ftp://user:zq9x@xw7k@host/a?b", "ftp://***@host/a?***"),
        ("http://user:zq9x/xw7k", "http://user:***"),
        ("http://host:99999/a", "http://host:99999/a"),
        ("http://[::1/a", "http://[::1/a"),
        ("://x", "://x"),
    ],
)
def test_hides_credentials_only(url: str, shown: str) -> None:
    assert hide_credentials(url) == shown


def test_accepts_at_sign_in_existing_folder(tmp_path: Path) -> None:
    folder = tmp_path / "user:a@b"
    folder.mkdir()
    for url in (str(folder), f"file://{folder}"):
        assert parse_mirror(url).authorization == ""
        assert parse_mirror(url).url.startswith(f"file://{tmp_path}/user")


@pytest.mark.parametrize("url", ["http://host/a%40b", "http://@host/a%40b/", "http://:@host/a%40b"])
def test_accepts_url_without_credentials(url: str) -> None:
    assert parse_mirror(url) == Mirror("http://host/a%40b/")
