"""Tests of redirects through the whole stage."""

import http.client
import urllib.request
from typing import Any

import pytest

from stages.download import transfer
from tests.stages.download import faults
from tests.stages.download.conftest import HEADER, NAMES, Download, FailWithCredentials, Files, read_raw
from tests.stages.download.mirror import Mirror, run_mirror

FIRST = f"{NAMES[0]}.gz"


@pytest.fixture
def plain_https(monkeypatch: pytest.MonkeyPatch) -> None:
    """Request https URLs without TLS."""

    def open_without_tls(handler: urllib.request.HTTPSHandler, request: urllib.request.Request) -> Any:
        return handler.do_open(http.client.HTTPConnection, request)

    monkeypatch.setattr(urllib.request.HTTPSHandler, "https_open", open_without_tls)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("ftp://127.0.0.1:{port}/", "redirects from http to a URL that is not http or https"),
        ("FTP://127.0.0.1:{port}/", "redirects from http to a URL that is not http or https"),
        ("file:///etc/hostname", "redirects from http to a URL that is not http or https"),
        ("data:,zq9x", "redirects from http to a URL that is not http or https"),
        ("javascript:", "redirects from http to a URL that is not http or https"),
        ("http://[::1", "redirects to an invalid URL"),
        ("http://127.0.0.1:99999/", "redirects to an invalid URL"),
        ("", "redirects to an invalid URL"),
    ],
)
def test_does_not_follow_invalid_redirect(
    location: str, reason: str, fail_with_credentials: FailWithCredentials, good: Mirror, archives: Files
) -> None:
    with run_mirror(archives, {FIRST: faults.redirect(location.format(port=good.server_port))}) as redirecting:
        assert f": {reason})" in fail_with_credentials(redirecting)
    assert good.connections == 0


def test_follows_redirect_without_its_page(
    download: Download, good: Mirror, archives: Files, transfers: list[transfer.Transfer]
) -> None:
    with run_mirror(archives, {FIRST: faults.redirect(good.url + FIRST)}) as redirecting:
        download(redirecting.url)
    assert transfers[0].failure == ""
    assert good.requests == [f"/{FIRST}"]


@pytest.mark.usefixtures("plain_https")
def test_does_not_follow_redirect_from_https_to_http(
    download: Download, good: Mirror, archives: Files, transfers: list[transfer.Transfer]
) -> None:
    with run_mirror(archives) as target, run_mirror(archives, {FIRST: faults.redirect(target.url + FIRST)}) as secure:
        download(secure.url.replace("http:", "https:"), good.url)
        assert secure.requests[0] == f"/{FIRST}"
        assert target.requests == []
    assert transfers[0].failure == "redirects from https to a URL that is not https"


@pytest.mark.usefixtures("plain_https")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_follows_redirect_to_https(
    scheme: str, download: Download, good: Mirror, archives: Files, contents: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = good.url.replace("http:", "https:")
    with run_mirror(archives, {name: faults.redirect(location + name) for name in archives}) as redirecting:
        own = redirecting.add_credentials("user", "zq9xxw7k").replace("http:", f"{scheme}:")
        monkeypatch.setenv("MNIST_MIRROR", own)
        download("nonsense")
        assert redirecting.authorizations == [f"Basic {HEADER}"] * 4
    assert good.authorizations == [None] * 4
    assert read_raw() == contents
