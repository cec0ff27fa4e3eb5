"""Download an archive from the first of several mirrors that serves it.

Whatever goes wrong with a mirror (refusal, silence, low speed, truncation, wrong content, endless redirects), the next
one is tried.
"""

import hashlib
import os
import re
import threading
import time

from tqdm import tqdm

from runtime.errors import StageError
from stages.download.connection import describe, open_url
from stages.download.mirrors import Mirror, parse_mirror

SILENCE_SECONDS = 5.0  # time-out of a connection that sends nothing
SLOWEST_BYTES_PER_SECOND = 20_000
GRACE_SECONDS = 10.0  # before that speed is required
LARGEST_ARCHIVE_BYTES = 2**25  # the largest of the three data sets has 26 MB
PROBE_SECONDS = 8.0  # for all mirrors together

NO_MIRROR = 3  # exit status; `make run` tests for it


def list_mirrors(public: list[str]) -> list[Mirror]:
    """List the mirrors in the order they are tried: `MNIST_MIRROR` (a URL or a folder), then the public ones.

    Raises:
        StageError: `MNIST_MIRROR` is not a valid URL of a supported scheme.
    """
    own = os.environ.get("MNIST_MIRROR", "").strip()
    return ([parse_mirror(own)] if own else []) + [Mirror(url) for url in public]


def fetch(mirrors: list[Mirror], name: str, md5: str) -> bytes:
    """Download one archive from the first mirror that serves it, with a progress bar on a terminal.

    Raises:
        StageError: no mirror does; the text has the reason for each.
    """
    transfers = []
    for mirror in mirrors:
        transfer = Transfer(mirror, name, md5)
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

    def __init__(self, mirror: Mirror, name: str, md5: str) -> None:
        """Set up the thread; `start` begins the download."""
        super().__init__(daemon=True)
        self.url = mirror.url + name
        self.authorization = mirror.authorization
        self.md5 = md5
        self.length: int | None = None
        self.content = bytearray()
        self.failure = "too slow"

    def allowed_seconds(self) -> float:
        """Return the longest time that the content received so far may take."""
        return GRACE_SECONDS + len(self.content) / SLOWEST_BYTES_PER_SECOND

    def run(self) -> None:
        """Download the file and verify its MD5, however the connection ends: some mirrors leave it open."""
        failure = self.receive()
        digest = hashlib.md5(self.content, usedforsecurity=False).hexdigest()
        self.failure = "" if digest == self.md5 else failure

    def receive(self) -> str:
        """Receive until the body or the connection ends; return why the file is not there, if it is not."""
        try:
            with open_url(self.url, self.authorization, SILENCE_SECONDS) as response:
                self.length = getattr(response, "length", None)
                while len(self.content) <= LARGEST_ARCHIVE_BYTES and (chunk := response.read1(2**16)):
                    self.content += chunk
        except Exception as error:  # noqa: BLE001 - the next mirror is tried after any error
            return describe(error, SILENCE_SECONDS)
        whole = f" of {self.length}" if self.length else ""
        return f"wrong checksum, {len(self.content)}{whole} bytes"


def no_mirror_error(transfers: list[Transfer]) -> StageError:
    """Create the error that lists the mirrors, and what to do without a network."""
    urls = [re.split("[?#]", transfer.url)[0] for transfer in transfers]  # a query may have credentials
    reasons = "; ".join(f"{url}: {transfer.failure}" for url, transfer in zip(urls, transfers, strict=True))
    return StageError(
        f"no mirror of the data set is reachable ({reasons}); without a network, set MNIST_MIRROR to the folder or URL "
        "of its four .gz files, or use scikit-learn's digits: dvc exp run -S dataset=digits -S validation_size=150",
        status=NO_MIRROR,
    )


def probe(mirrors: list[Mirror], name: str, md5: str) -> None:
    """Test within PROBE_SECONDS whether any mirror serves an archive; all are tried at once.

    Raises:
        StageError: no mirror does; the text has the reason for each.
    """
    transfers = [Transfer(mirror, name, md5) for mirror in mirrors]
    for transfer in transfers:
        transfer.start()
    deadline = time.monotonic() + PROBE_SECONDS
    while any(transfer.is_alive() for transfer in transfers) and time.monotonic() < deadline:
        if not all(transfer.failure for transfer in transfers):
            break
        time.sleep(0.05)
    if all(transfer.failure for transfer in transfers):
        raise no_mirror_error(transfers)
