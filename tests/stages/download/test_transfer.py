"""Tests of the transfer through the whole stage: whatever a mirror does, the output is complete and correct."""

import re
import time
from collections.abc import Callable

import pytest

from stages.download import transfer
from tests.stages.download import faults
from tests.stages.download.conftest import NAMES, Download, Files, find_closed_port, list_data, read_raw
from tests.stages.download.mirror import Fault, Mirror, run_mirror

FIRST = f"{NAMES[0]}.gz"

FAULTS: dict[str, tuple[Fault, str]] = {
    "403": (faults.send_error(403), "HTTP Error 403: Forbidden"),
    "404": (faults.send_error(404), "HTTP Error 404: Not Found"),
    "503": (faults.send_error(503), "HTTP Error 503: Service Unavailable"),
    "truncation": (faults.truncate, r"wrong checksum, \d+ of \d+ bytes"),
    "wrong checksum": (faults.send_instead(b"other"), "wrong checksum, 5 of 5 bytes"),
    "login page": (faults.send_instead(b"<html>Welcome</html>"), "wrong checksum"),
    "empty file": (faults.send_instead(b""), "wrong checksum, 0 bytes"),
    "reset": (faults.reset, "Connection reset by peer|wrong checksum"),
    "no response": (faults.close_without_response, "Remote end closed connection without response"),
    "control characters": (faults.send_bytes(b"HTTP/1.0 403 \x1b[31mred\x1b[0m\r\n\r\n"), "HTTP Error 403: Forbidden$"),
    "endless body": (faults.send_endless_file, r"wrong checksum, 1\d{6} bytes"),
    "redirect loop": (faults.redirect_to_itself, "more than 10 redirects"),
    "wrong Content-Length": (faults.send_with_length(10), "wrong checksum, 10 of 10 bytes"),
}
SILENT = {"SILENCE_SECONDS": 0.2, "GRACE_SECONDS": 3}
SLOW = {"SILENCE_SECONDS": 5, "GRACE_SECONDS": 0.2}
# The fault, the time-outs, and the reason.
TIMEOUTS: dict[str, tuple[Fault, dict[str, float], str]] = {
    "stall": (faults.stall, SILENT, r"silent for 0\.2 s"),
    "stall within the body": (faults.stall_within_body, SILENT, r"silent for 0\.2 s"),
    "wrong file, left open": (faults.trickle(b"HTTP/1.0 200 OK\r\n\r\nother", pause=60), SILENT, r"silent for 0\.2 s"),
    "slow headers": (faults.trickle(b"HTTP/1.0 200 OK\r\nX-Pad: "), SLOW, "too slow"),
    "slow body": (faults.trickle(b"HTTP/1.0 200 OK\r\n\r\n"), SLOW, "too slow"),
    "slow chunk size": (
        faults.trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;"),
        SLOW,
        "too slow",
    ),
}
HARMLESS = {
    "connection left open": faults.keep_open,
    "invalid length": faults.send_with_length("\xb2"),
    "negative length": faults.send_with_length("-1"),
    "large length": faults.send_with_length("9" * 5000),
}

TryNext = Callable[[Fault, str], None]


@pytest.fixture
def try_next(
    download: Download, good: Mirror, archives: Files, contents: Files, transfers: list[transfer.Transfer]
) -> TryNext:
    """Return a function that downloads from a mirror with a fault, and then from a good one."""

    def run(fault: Fault, reason: str) -> None:
        with run_mirror(archives, {FIRST: fault}) as bad:
            download(bad.url, good.url)
            assert re.search(reason, transfers[0].failure)
            assert bad.requests[0] == good.requests[0] == f"/{FIRST}"
        assert read_raw() == contents
        assert list_data() == ["raw"]

    return run


@pytest.mark.parametrize("fault", FAULTS)
def test_tries_next_mirror_after_fault(fault: str, try_next: TryNext) -> None:
    try_next(*FAULTS[fault])


@pytest.mark.parametrize("fault", TIMEOUTS)
def test_tries_next_mirror_after_timeout(
    fault: str, try_next: TryNext, transfers: list[transfer.Transfer], monkeypatch: pytest.MonkeyPatch
) -> None:
    function, timeouts, reason = TIMEOUTS[fault]
    defaults = {name: getattr(transfer, name) for name in timeouts}
    start = transfer.Transfer.start

    def start_with_timeouts(thread: transfer.Transfer) -> None:
        """Shorten the time-outs of the first mirror only, because this machine may be busy."""
        for name, seconds in (defaults if transfers else timeouts).items():
            monkeypatch.setattr(transfer, name, seconds)
        start(thread)

    monkeypatch.setattr(transfer.Transfer, "start", start_with_timeouts)
    try_next(function, reason)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://a..b/", "http://127.0.0.1:99999/", "nonsense"])
def test_tries_next_mirror_after_unreachable_one(url: str, download: Download, good: Mirror, contents: Files) -> None:
    download(url.format(port=find_closed_port()), good.url)
    assert read_raw() == contents


@pytest.mark.parametrize("fault", HARMLESS)
def test_accepts_complete_file(fault: str, download: Download, archives: Files, contents: Files) -> None:
    with run_mirror(archives, {FIRST: HARMLESS[fault]}) as only:
        download(only.url)
    assert read_raw() == contents


@pytest.mark.parametrize("fault", [faults.keep_open_without_length, faults.keep_open_in_chunks])
def test_accepts_complete_file_after_timeout(
    fault: Fault,
    download: Download,
    archives: Files,
    contents: Files,
    transfers: list[transfer.Transfer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transfer, "SILENCE_SECONDS", 1.5)
    with run_mirror(archives, {FIRST: fault}) as only:
        started = time.monotonic()
        download(only.url)
        assert time.monotonic() - started >= 1.5
    assert transfers[0].length is None
    assert read_raw() == contents


def test_waits_for_slow_mirror(
    download: Download, archives: Files, contents: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(transfer, "SLOWEST_BYTES_PER_SECOND", 5000)
    with run_mirror(archives, {FIRST: faults.send_slowly(0.6)}) as only:
        download(only.url)
    assert read_raw() == contents


def test_does_not_retry_https_as_http(download: Download, good: Mirror, archives: Files, contents: Files) -> None:
    with run_mirror(archives) as plain:
        download(plain.url.replace("http:", "https:"), good.url)
        assert plain.requests == []
    assert read_raw() == contents
