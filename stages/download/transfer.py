"""Fetch an archive from the first of several mirrors that gives it whole.

A mirror may refuse, stall, trickle, break off, lie, or redirect without end: it is given up, for whatever reason, and
the next is tried.
"""

import hashlib
import os
import textwrap
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPMessage
from pathlib import Path
from typing import IO

from pydantic import FileUrl, HttpUrl, TypeAdapter, ValidationError
from tqdm import tqdm

from stages.shared.stage import StageError

SILENCE_SECONDS = 5.0  # after which a connection is given up
SLOWEST_BYTES_PER_SECOND = 20_000  # a mirror that trickles is as good as a silent one
GRACE_SECONDS = 10.0  # before that speed is asked for
LARGEST_ARCHIVE_BYTES = 2**25  # the largest of the three data sets has 26 MB
PROBE_SECONDS = 8.0  # for all mirrors together

NO_MIRROR = 3  # exit status; `make run` goes by it

MIRROR_URL: TypeAdapter[HttpUrl | FileUrl] = TypeAdapter(HttpUrl | FileUrl)


def list_mirrors(public: list[str]) -> list[str]:
    """List the base URLs in the order they are tried: `MNIST_MIRROR` (a URL, or a folder), then the public ones.

    Raises:
        StageError: `MNIST_MIRROR` is neither a folder nor a URL that can be fetched from.
    """
    own_mirror = os.environ.get("MNIST_MIRROR", "").strip()
    if not own_mirror:
        return public
    url = own_mirror if "://" in own_mirror else Path(own_mirror).resolve().as_uri()
    try:
        quoted_url = str(MIRROR_URL.validate_python(url))
    except ValidationError:
        raise StageError(
            f"MNIST_MIRROR: {own_mirror!r} is not allowed; it must be an http, https or file URL, or a folder"
        ) from None
    return [quoted_url.rstrip("/") + "/", *public]


def fetch(mirrors: list[str], name: str, md5: str) -> bytes:
    """Fetch one archive from the first mirror that gives it, showing the progress on a terminal.

    Raises:
        StageError: none does; names each with its reason.
    """
    transfers = []
    for mirror in mirrors:
        transfer = Transfer(mirror + name, md5)
        transfers.append(transfer)
        started = time.monotonic()
        transfer.start()
        running = True
        with tqdm(desc=name, unit="B", unit_scale=True, disable=None) as bar:
            while running and time.monotonic() - started < transfer.allowed_seconds():
                transfer.join(0.1)
                running = transfer.is_alive()  # asked before the count is read, so that the last count is shown
                bar.total = transfer.length
                bar.update(len(transfer.content) - bar.n)
        if not transfer.failure:
            return bytes(transfer.content)
    raise no_mirror_error(transfers)


class Transfer(threading.Thread):
    """Receives one file into memory, in a thread: a time-out of urllib starts anew with every byte that arrives.

    `failure` says in one line why the file is not there, and is empty once it is whole and has the right checksum.
    """

    def __init__(self, url: str, md5: str) -> None:
        """Prepare; `start` begins."""
        super().__init__(daemon=True)
        self.url = url
        self.md5 = md5
        self.length: int | None = None
        self.content = bytearray()
        self.failure = "too slow"

    def allowed_seconds(self) -> float:
        """Return the time within which what has been received should have been."""
        return GRACE_SECONDS + len(self.content) / SLOWEST_BYTES_PER_SECOND

    def run(self) -> None:
        """Receive the file and check it."""
        try:
            with urllib.request.build_opener(RefuseDowngrade).open(self.url, timeout=SILENCE_SECONDS) as response:
                self.length = getattr(response, "length", None)
                while len(self.content) <= LARGEST_ARCHIVE_BYTES and (chunk := response.read1(2**16)):
                    self.content += chunk
        except Exception as error:  # noqa: BLE001 - whatever a mirror provokes, the next one is tried
            self.failure = describe(error)
        else:
            digest = hashlib.md5(self.content, usedforsecurity=False).hexdigest()
            whole = f" of {self.length}" if self.length else ""
            self.failure = "" if digest == self.md5 else f"wrong checksum, {len(self.content)}{whole} bytes"


class RefuseDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """Refuse where urllib would follow."""
        fp.close()  # urllib would read all of the page that comes with a redirect, however large
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise urllib.error.URLError(f"redirects from https to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def describe(error: Exception) -> str:
    """Say in one short line why a transfer failed, whatever the mirror wrote."""
    reason = error.reason if type(error) is urllib.error.URLError else error
    if isinstance(reason, TimeoutError):
        return f"silent for {SILENCE_SECONDS:g} s"
    text = (isinstance(reason, OSError) and reason.strerror) or str(reason) or type(reason).__name__
    printable = "".join(character if character.isprintable() else " " for character in text)
    return textwrap.shorten(printable, 200, placeholder=" ...")


def no_mirror_error(transfers: list[Transfer]) -> StageError:
    """Make the error that lists what was tried, and says what to do offline."""
    reasons = "; ".join(f"{transfer.url}: {transfer.failure}" for transfer in transfers)
    return StageError(
        f"no mirror gave the data set ({reasons}); offline, set MNIST_MIRROR to the folder or URL of its four .gz "
        "files, or use the embedded digits: dvc exp run -S dataset=digits -S validation_size=150",
        status=NO_MIRROR,
    )


def probe(mirrors: list[str], name: str, md5: str) -> None:
    """Find out in time whether any mirror gives an archive; all are asked at once.

    Raises:
        StageError: none does; names each with its reason.
    """
    transfers = [Transfer(mirror + name, md5) for mirror in mirrors]
    for transfer in transfers:
        transfer.start()
    deadline = time.monotonic() + PROBE_SECONDS
    while any(transfer.is_alive() for transfer in transfers) and time.monotonic() < deadline:
        if not all(transfer.failure for transfer in transfers):
            break
        time.sleep(0.05)
    if all(transfer.failure for transfer in transfers):
        raise no_mirror_error(transfers)
