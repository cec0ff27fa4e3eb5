"""Tests of HTTP basic authentication through the whole stage."""

import pytest

from runtime.errors import StageError
from stages.download import probe
from stages.download.connection import is_same_server
from tests.conftest import RunStage
from tests.stages.download import faults
from tests.stages.download.conftest import (
    HEADER,
    NAMES,
    Download,
    FailWithCredentials,
    Files,
    SetMirrors,
    find_closed_port,
    read_raw,
)
from tests.stages.download.mirror import Fault, Mirror, run_mirror

FIRST = f"{NAMES[0]}.gz"


@pytest.mark.parametrize(
    ("user", "password", "quoted"),
    [
        ("user", "zq9xxw7k", "user:zq9xxw7k"),
        ("us er", "a:b@c/d?e#f%", "us%20er:a%3Ab%40c%2Fd%3Fe%23f%25"),
        ("ü", "中", "ü:中"),
        ("user", "a@b:c d", "user:a@b:c d"),
        ("token", "", "token"),
        ("", "zq9xxw7k", ":zq9xxw7k"),
    ],
)
def test_sends_credentials(
    user: str,
    password: str,
    quoted: str,
    download: Download,
    archives: Files,
    contents: Files,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with run_mirror(archives, dict.fromkeys(archives, faults.require_password(user, password))) as protected:
        monkeypatch.setenv("MNIST_MIRROR", protected.url.replace("//", f"//{quoted}@"))
        download("nonsense")
        assert protected.requests == [f"/{name}" for name in archives], "not sent with the first request"
    assert read_raw() == contents
    assert capfd.readouterr() == ("", "")


def test_does_not_print_wrong_password(fail_with_credentials: FailWithCredentials, archives: Files) -> None:
    with run_mirror(archives, dict.fromkeys(archives, faults.require_password("user", "other"))) as protected:
        assert ": HTTP Error 401: Unauthorized)" in fail_with_credentials(protected)
        assert protected.authorizations == [f"Basic {HEADER}"]


def test_probe_does_not_print_wrong_password(
    set_mirrors: SetMirrors, archives: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_mirror(archives, dict.fromkeys(archives, faults.require_password("user", "other"))) as protected:
        monkeypatch.setenv("MNIST_MIRROR", protected.add_credentials("user", "zq9xxw7k"))
        set_mirrors()
        with pytest.raises(StageError) as caught:
            probe.main()
    assert "HTTP Error 401" in str(caught.value)
    assert "zq9x" not in str(caught.value)


ECHOES: dict[str, Fault] = {
    "reason": lambda response, _: response.send_error(403, "zq9xxw7k"),
    "unknown status": lambda response, _: response.send_error(599, f"Basic {HEADER}"),
    "status line": faults.send_bytes(b"zq9xxw7k\r\n\r\n"),
    "status": faults.send_bytes(b"HTTP/1.0 zq9xxw7k\r\n\r\n"),
    "protocol": faults.send_bytes(b"HTTP/zq9xxw7k 200 OK\r\n\r\n"),
    "header": faults.send_bytes(b"HTTP/1.0 404 zq9xxw7k\r\nzq9xxw7k\r\n\r\n"),
    "length": faults.send_bytes(b"HTTP/1.0 200 OK\r\nContent-Length: zq9xxw7k\r\n\r\nzq9xxw7k"),
    "chunk": faults.send_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzq9xxw7k\r\n"),
    "redirect to ftp": faults.redirect("ftp://user:zq9xxw7k@127.0.0.1/"),
    "redirect to a scheme": faults.redirect("zq9xxw7k://127.0.0.1/"),
    "redirect to a port": faults.redirect("http://127.0.0.1:zq9xxw7k/"),
    "redirect to a host": faults.redirect("http://user:zq9xxw7k@zq9xxw7k..invalid/"),
    "redirect to an invalid host": faults.redirect("http://user:zq9xxw7k@[::1/zq9xxw7k"),
    "redirect to a path": faults.redirect(f"http://user:zq9xxw7k@127.0.0.1:{find_closed_port()}/zq9xxw7k"),
    "redirect loop": faults.redirect("zq9xxw7k/train-images-idx3-ubyte.gz"),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_does_not_print_what_a_mirror_repeats(
    echo: str, fail_with_credentials: FailWithCredentials, archives: Files
) -> None:
    with run_mirror(archives, {FIRST: ECHOES[echo]}) as repeating:
        fail_with_credentials(repeating)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "user:zq9xxw7k@127.0.0.1"])
def test_does_not_send_credentials_to_another_server(
    host: str, download: Download, good: Mirror, archives: Files, contents: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = good.url.replace("127.0.0.1", host)
    redirects = {name: faults.redirect(location + name) for name in archives}
    with run_mirror(archives, redirects) as redirecting:
        monkeypatch.setenv("MNIST_MIRROR", redirecting.add_credentials("user", "zq9xxw7k"))
        download("nonsense")
        assert redirecting.authorizations == [f"Basic {HEADER}"] * 4
    assert read_raw() == contents
    assert good.authorizations == [None] * 4


def test_does_not_send_credentials_after_another_server(
    download: Download, archives: Files, contents: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_mirror(archives) as own, run_mirror(archives) as other:
        own.faults = {FIRST: faults.redirect_once(other.url + FIRST)}
        other.faults = {FIRST: faults.redirect(f"{own.url}folder/{FIRST}")}
        monkeypatch.setenv("MNIST_MIRROR", own.add_credentials("user", "zq9xxw7k"))
        download("nonsense")
        assert other.authorizations == [None]
        assert own.authorizations[:2] == [f"Basic {HEADER}", None]
    assert read_raw() == contents


@pytest.mark.parametrize("location", ["/folder/{name}", "{url}folder/{name}", "//{address}/folder/{name}"])
def test_sends_credentials_after_redirect_on_the_same_server(
    location: str, download: Download, archives: Files, contents: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_mirror(archives) as own:
        address = f"127.0.0.1:{own.server_port}"
        own.faults = {FIRST: faults.redirect_once(location.format(name=FIRST, url=own.url, address=address))}
        monkeypatch.setenv("MNIST_MIRROR", own.add_credentials("user", "zq9xxw7k"))
        download("nonsense")
        assert own.requests[:2] == [f"/{FIRST}", f"/folder/{FIRST}"]
        assert own.authorizations == [f"Basic {HEADER}"] * 5
    assert read_raw() == contents


@pytest.mark.parametrize(
    ("url", "target", "expected"),
    [
        ("http://a/x", "http://a/y", True),
        ("http://a/x", "http://A:80/y", True),
        ("http://a/x", "https://a/x", True),
        ("http://a:80/x", "https://a:443/x", True),
        ("https://a/x", "https://a:443/x", True),
        ("http://a:8080/x", "https://a/x", False),
        ("http://a/x", "https://a:8443/x", False),
        ("https://a:80/x", "https://a/x", False),
        ("https://a/x", "http://a:443/x", False),
        ("http://a/x", "https://b/x", False),
        ("http://a/x", "http://b/x", False),
        ("http://a/x", "http://a.b/x", False),
        ("http://a/x", "http://a:81/x", False),
    ],
)
def test_finds_same_server(url: str, target: str, expected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert is_same_server(url, target) == expected


@pytest.mark.parametrize(
    ("proxy", "reason"),
    [
        ("http://user:zq9xxw7k@127.0.0.1:{port}", "Tunnel connection failed: 501"),
        ("http://user:zq9xxw7k", "InvalidURL"),
        ("http:/user:zq9xxw7k@127.0.0.1:{port}", "ValueError"),
        ("ftp://user:zq9xxw7k@127.0.0.1:{port}", "Tunnel connection failed: 501"),
    ],
)
def test_does_not_print_credentials_of_proxy(
    proxy: str,
    reason: str,
    set_mirrors: SetMirrors,
    run_stage: RunStage,
    good: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("https_proxy", proxy.format(port=good.server_port))
    monkeypatch.setenv("no_proxy", "")
    set_mirrors("https://mirror.invalid/")
    with pytest.raises(SystemExit):
        run_stage("download")
    output = "".join(capfd.readouterr())
    assert f"(https://mirror.invalid/{FIRST}: {reason})" in output
    assert "zq9x" not in output
