"""Download an archive from the first of several mirrors that serves it.

Whatever goes wrong with a mirror (refusal, silence, low speed, truncation, wrong content, endless redirects), the next
one is tried.
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

from runtime.errors import StageError

SILENCE_SECONDS = 5.0  # time-out of a connection that sends nothing
SLOWEST_BYTES_PER_SECOND = 20_000
GRACE_SECONDS = 10.0  # before that speed is required
LARGEST_ARCHIVE_BYTES = 2**25  # the largest of the three data sets has 26 MB
PROBE_SECONDS = 8.0  # for all mirrors together

NO_MIRROR = 3  # exit status; `make run` tests for it

MIRROR_URL: TypeAdapter[HttpUrl | FileUrl] = TypeAdapter(HttpUrl | FileUrl)


def list_mirrors(public: list[str]) -> list[str]:
    """List the base URLs in the order they are tried: `MNIST_MIRROR` (a URL or a folder), then the public ones.

    Raises:
        StageError: `MNIST_MIRROR` is not a valid URL of a supported scheme.
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
    """Download one archive from the first mirror that serves it, with a progress bar on a terminal.

    Raises:
        StageError: no mirror does; the text has the reason for each.
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
                running = transfer.is_alive()  # before the count is read, so that the last count is shown
                bar.total = transfer.length
                bar.update(len(transfer.content) - bar.n)
        if not transfer.failure:
            return bytes(transfer.content)
    raise no_mirror_error(transfers)


class Transfer(threading.Thread):
    """Downloads one file into memory, in a thread, because urllib restarts its time-out with every byte.

    `failure` is a line that says why the file is not there; it is empty once the checksum is right.
    """

    def __init__(self, url: str, md5: str) -> None:
        """Set up the thread; `start` begins the download."""
        super().__init__(daemon=True)
        self.url = url
        self.md5 = md5
        self.length: int | None = None
        self.content = bytearray()
        self.failure = "too slow"

    def allowed_seconds(self) -> float:
        """Return the longest time that the content received so far may take."""
        return GRACE_SECONDS + len(self.content) / SLOWEST_BYTES_PER_SECOND

    def run(self) -> None:
        """Download the file and verify its MD5."""
        try:
            with urllib.request.build_opener(RefuseDowngrade).open(self.url, timeout=SILENCE_SECONDS) as response:
                self.length = getattr(response, "length", None)
                while len(self.content) <= LARGEST_ARCHIVE_BYTES and (chunk := response.read1(2**16)):
                    self.content += chunk
        except Exception as error:  # noqa: BLE001 - the next mirror is tried after any error
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
        """Raise URLError for a redirect from https to http."""
        fp.close()  # urllib would read the whole page that comes with a redirect
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise urllib.error.URLError(f"redirects from https to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def describe(error: Exception) -> str:
    """Format the reason of a failed transfer in one printable line of at most 200 characters."""
    reason = error.reason if type(error) is urllib.error.URLError else error
    if isinstance(reason, TimeoutError):
        return f"silent for {SILENCE_SECONDS:g} s"
    text = (isinstance(reason, OSError) and reason.strerror) or str(reason) or type(reason).__name__
    printable = "".join(character if character.isprintable() else " " for character in text)
    return textwrap.shorten(printable, 200, placeholder=" ...")


def no_mirror_error(transfers: list[Transfer]) -> StageError:
    """Create the error that lists the mirrors, and what to do without a network."""
    reasons = "; ".join(f"{transfer.url}: {transfer.failure}" for transfer in transfers)
    return StageError(
        f"no mirror of the data set is reachable ({reasons}); without a network, set MNIST_MIRROR to the folder or URL "
        "of its four .gz files, or use scikit-learn's digits: dvc exp run -S dataset=digits -S validation_size=150",
        status=NO_MIRROR,
    )


def probe(mirrors: list[str], name: str, md5: str) -> None:
    """Test within PROBE_SECONDS whether any mirror serves an archive; all are tried at once.

    Raises:
        StageError: no mirror does; the text has the reason for each.
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
