"""Tests of the transfer of one file, whatever its server does."""

import gzip
import hashlib
import time

import pytest
import urllib3
from requests.auth import HTTPBasicAuth

from stages.shared import transfer
from stages.shared.transfer import MissingError, TemporaryError, TransferError, send_no_credentials
from tests.stages import mirror as faults
from tests.stages.mirror import Fault, find_closed_port, run_mirror

NAME = "images.gz"
CONTENT = b"image" * 1000
FILES = {NAME: CONTENT}
MD5 = hashlib.md5(CONTENT).hexdigest()  # noqa: S324
LOGIN = HTTPBasicAuth("user", "zq9xxw7k")
HEADER = "Basic dXNlcjp6cTl4eHc3aw=="


def receive(url: str, authenticate: transfer.Authenticate = send_no_credentials, seconds: float = 10) -> bytes:
    return transfer.receive(url + NAME, authenticate, "md5", MD5, time.monotonic() + seconds)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def plain_https(monkeypatch: pytest.MonkeyPatch) -> None:
    """Request https URLs without TLS."""

    class PlainPool(urllib3.HTTPConnectionPool):
        def __init__(self, host: str, port: int, **_: object) -> None:
            super().__init__(host, port, timeout=5)

    monkeypatch.setitem(urllib3.poolmanager.pool_classes_by_scheme, "https", PlainPool)


FAULTS: dict[str, tuple[Fault, type[Exception], str]] = {
    "404": (faults.send_error(404), MissingError, "HTTP status 404"),
    "503": (faults.send_error(503), TemporaryError, "HTTP status 503"),
    "truncated": (faults.truncate, TemporaryError, "IncompleteRead"),
    "other file": (faults.send_with(b"<html>Welcome"), TransferError, "wrong checksum, 13 bytes"),
    "reset": (faults.reset, TemporaryError, "Connection reset by peer|IncompleteRead"),
    "short": (faults.send_with(Content_Length=10), TransferError, "wrong checksum, 10 bytes"),
    "endless": (faults.send_endless, TransferError, r"wrong checksum, 1\d{6} bytes"),
    "redirected to itself": (faults.redirect(NAME), TransferError, "more than 10 redirects"),
    "redirected to a file": (faults.redirect("file:///etc/hostname"), TemporaryError, "InvalidSchema"),
    "redirected to nothing": (faults.redirect("http://[::1"), TemporaryError, "ValueError"),
    "silent": (faults.then_wait(faults.send_bytes(b"")), TemporaryError, "silent for 0.3 s"),
    "silent within": (faults.then_wait(faults.truncate), TemporaryError, "silent for 0.3 s"),
    "slow headers": (faults.trickle(b"HTTP/1.0 200 OK\r\nX-Pad: "), TemporaryError, "too slow"),
    "slow body": (faults.trickle(b"HTTP/1.0 200 OK\r\n\r\n"), TemporaryError, "too slow"),
    "slow chunk": (
        faults.trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;"),
        TemporaryError,
        "too slow",
    ),
}
# Servers may repeat the credentials that they receive.
ECHOES: dict[str, Fault] = {
    "reason": faults.send_error(403, "zq9xxw7k"),
    "status line": faults.send_bytes(b"zq9xxw7k\r\n\r\n"),
    "header": faults.send_bytes(b"HTTP/1.0 404 zq9xxw7k\r\nzq9xxw7k\r\n\r\n"),
    "length": faults.send_bytes(b"HTTP/1.0 200 OK\r\nContent-Length: zq9xxw7k\r\n\r\nzq9xxw7k"),
    "chunk": faults.send_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzq9xxw7k\r\n"),
    "scheme": faults.redirect("zq9xxw7k://127.0.0.1/"),
    "port": faults.redirect("http://127.0.0.1:zq9xxw7k/"),
    "host": faults.redirect("http://user:zq9xxw7k@zq9xxw7k..invalid/"),
    "path": faults.redirect(f"http://user:zq9xxw7k@127.0.0.1:{find_closed_port()}/zq9xxw7k"),
}


def compress_if_accepted(response: faults.Response, body: bytes) -> None:
    """Compress the archive once more for the transfer."""
    accepted = "gzip" in response.headers["Accept-Encoding"]
    faults.send(response, gzip.compress(body) if accepted else body)


HARMLESS: dict[str, Fault] = {
    "compressed": compress_if_accepted,
    "left open": faults.then_wait(faults.send_with()),
    "left open without length": faults.then_wait(faults.send_with(Content_Length=None)),
    "left open in chunks": faults.then_wait(faults.send_chunk),
    "invalid length": faults.send_with(Content_Length="\xb2"),
    "long length": faults.send_with(Content_Length="9" * 5000),
    "encoding": faults.send_with(Content_Encoding="gzip"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_says_why_a_file_cannot_be_received(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fault, kind, reason = FAULTS[name]
    monkeypatch.setattr(transfer, "SILENCE_SECONDS", 0.3 if name.startswith("silent") else 5)
    monkeypatch.setattr(transfer, "GRACE_SECONDS", 0.5 if name.startswith("slow") else 10)
    monkeypatch.setattr(transfer, "MAX_BYTES", 10**6)
    started = time.monotonic()
    with run_mirror(FILES, {NAME: fault}) as bad, pytest.raises(TransferError, match=reason) as error:
        receive(bad.url)
    assert error.type is kind
    assert time.monotonic() - started < 8, "stopped by the deadline only"


@pytest.mark.parametrize("name", ECHOES)
def test_does_not_print_what_a_server_sends(
    name: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with run_mirror(FILES, {NAME: ECHOES[name]}) as bad, pytest.raises(TransferError) as error:
        receive(bad.url)
    assert "zq9x" not in str(error.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", HARMLESS)
def test_receives_complete_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "SILENCE_SECONDS", 1)
    with run_mirror(FILES, {NAME: HARMLESS[name]}) as mirror:
        assert receive(mirror.url) == CONTENT


def test_waits_for_slow_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(transfer, "LOWEST_BYTES_PER_SECOND", 1000)

    def send_slowly(response: faults.Response, body: bytes) -> None:
        faults.send(response, body[: len(body) // 2], Content_Length=len(body))
        response.pause(1)
        response.wfile.write(body[len(body) // 2 :])

    with run_mirror(FILES, {NAME: send_slowly}) as slow:
        assert receive(slow.url) == CONTENT


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "other:password@127.0.0.1"])
def test_does_not_send_credentials_to_another_server(host: str) -> None:
    with run_mirror(FILES) as other:
        with run_mirror(FILES, {NAME: faults.redirect(other.url.replace("127.0.0.1", host) + NAME)}) as own:
            assert receive(own.url, LOGIN) == CONTENT
        assert own.authorizations == [HEADER]
        assert other.authorizations == [None]


def test_does_not_send_credentials_after_another_server() -> None:
    with run_mirror(FILES) as own, run_mirror(FILES) as other:
        own.faults = {NAME: faults.redirect_once(other.url + NAME)}
        other.faults = {NAME: faults.redirect(f"{own.url}folder/{NAME}")}
        assert receive(own.url, LOGIN) == CONTENT
        assert own.authorizations == [HEADER, None]


@pytest.mark.parametrize("location", ["/folder/{name}", "{url}folder/{name}"])
def test_sends_credentials_after_redirect_on_the_same_server(location: str) -> None:
    with run_mirror(FILES) as own:
        own.faults = {NAME: faults.redirect_once(location.format(name=NAME, url=own.url))}
        assert receive(own.url, LOGIN) == CONTENT
        assert own.authorizations == [HEADER, HEADER]


@pytest.mark.usefixtures("plain_https")
def test_redirects_to_https_but_not_from_https() -> None:
    with run_mirror(FILES) as other, run_mirror(FILES) as own:
        own.faults = {NAME: faults.redirect(other.url.replace("http:", "https:") + NAME)}
        assert receive(own.url, LOGIN) == CONTENT
        assert other.authorizations == [None]
        own.faults = {NAME: faults.redirect(other.url + NAME)}
        with pytest.raises(TransferError, match="redirects from https to another scheme"):
            receive(own.url.replace("http:", "https:"), LOGIN)
        assert other.authorizations == [None]


def test_does_not_try_http_instead_of_https() -> None:
    with run_mirror(FILES) as plain, pytest.raises(TemporaryError):
        receive(plain.url.replace("http:", "https:"))
    assert plain.requests == []


@pytest.mark.parametrize(
    "proxy", ["http://user:zq9xxw7k@127.0.0.1:{port}", "http://user:zq9xxw7k", "ftp://user:zq9xxw7k@h"]
)
def test_does_not_print_credentials_of_proxy(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy.format(port=find_closed_port()))
    with pytest.raises(TransferError) as error:
        receive("https://mirror.invalid/")
    assert "zq9x" not in str(error.value)
