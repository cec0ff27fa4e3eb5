"""Receive one file from a folder or a URL, within limits of time and size.

No error has text from a server, which may repeat the credentials.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from tqdm import tqdm

SILENCE_SECONDS = 5.0  # without a byte
GRACE_SECONDS = 10.0  # before the lowest speed is required
LOWEST_BYTES_PER_SECOND = 20_000
MAX_BYTES = 2**26  # the largest file has 47 million
MAX_REDIRECTS = 10

Authenticate = Callable[[requests.PreparedRequest], requests.PreparedRequest]


class TransferError(Exception):
    """A file cannot be received; the text says why."""


class MissingError(TransferError):
    """It does not exist."""


class TemporaryError(TransferError):
    """The network or the server failed; another attempt may succeed."""


class Session(requests.Session):
    """Returns a redirect as a response: requests itself reads the page that comes with one, which may be endless."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find no redirect to follow."""


def send_no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from adding credentials that it finds in the URL or in ~/.netrc."""
    return request


def receive(location: str, authenticate: Authenticate, algorithm: str, digest: str, deadline: float) -> bytes:
    """Return the content of a file, if it has this digest, however the connection ends: some servers leave it open.

    Args:
        location: A path, or an http or https URL.
        authenticate: Adds the credentials to a request; no server but that of `location` receives them.
        algorithm: Name of a hash function.
        digest: In hexadecimal.
        deadline: When to give up, as time.monotonic() counts.

    Raises:
        TransferError: it does not.
    """
    transfer = Transfer(location, authenticate)
    transfer.start()
    name = location.rpartition("/")[2]
    with tqdm(desc=name, unit="B", unit_scale=True, disable=None) as bar:  # on a terminal only
        is_running = True
        while is_running and time.monotonic() < min(deadline, transfer.deadline()):
            transfer.join(0.1)
            is_running = transfer.is_alive()  # before the count is read, so that the last count is shown
            bar.total = transfer.length
            bar.update(len(transfer.content) - bar.n)
    content = bytes(transfer.content)
    if hashlib.new(algorithm, content, usedforsecurity=False).hexdigest() != digest:
        raise transfer.error
    return content


class Transfer(threading.Thread):
    """Reads a file into memory, in a thread because the time-out of requests begins again with every byte."""

    def __init__(self, location: str, authenticate: Authenticate) -> None:
        """Set up the thread; `start` begins to read."""
        super().__init__(daemon=True)
        self.location = location
        self.authenticate = authenticate
        self.started = time.monotonic()
        self.length: int | None = None
        self.content = bytearray()
        self.error: TransferError = TemporaryError("too slow")

    def deadline(self) -> float:
        """Return when the content received so far must have been received."""
        return self.started + GRACE_SECONDS + len(self.content) / LOWEST_BYTES_PER_SECOND

    def run(self) -> None:
        """Read until the end, an error, or more than MAX_BYTES; set the error for a wrong digest."""
        try:
            with self.open() as stream:
                self.length = getattr(stream, "length_remaining", None)
                while len(self.content) <= MAX_BYTES and (chunk := stream.read1(2**16)):
                    self.content += chunk
            self.error = TransferError(f"wrong checksum, {len(self.content)} bytes")
        except TransferError as error:
            self.error = error
        except FileNotFoundError:
            self.error = MissingError("no such file")
        except Exception as error:  # noqa: BLE001 - the next mirror is tried after any error
            self.error = TemporaryError(describe(error))

    def open(self) -> Any:
        """Return the binary stream of a file, or of the body of a response, after redirects."""
        url, authenticate = self.location, self.authenticate
        if "://" not in url:
            return Path(url).open("rb")
        session = Session()
        session.headers["Accept-Encoding"] = "identity"
        for _ in range(1 + MAX_REDIRECTS):
            response = session.get(url, auth=authenticate, timeout=SILENCE_SECONDS, stream=True, allow_redirects=False)
            location = requests.Session.get_redirect_target(session, response)
            if location is None:
                return check_status(response).raw
            response.close()
            target = urljoin(url, location)
            if urlsplit(url).scheme == "https" != urlsplit(target).scheme:
                raise TransferError("redirects from https to another scheme")
            if session.should_strip_auth(url, target):
                authenticate = send_no_credentials
            url = target
        raise TransferError(f"more than {MAX_REDIRECTS} redirects")


def check_status(response: requests.Response) -> requests.Response:
    """Return the response if its status is 200; close it and raise TransferError otherwise."""
    if response.status_code == 200:
        return response
    response.close()
    kind = TransferError
    if response.status_code in {403, 404}:  # S3 answers 403 where a file does not exist
        kind = MissingError
    elif response.status_code in {408, 429} or response.status_code >= 500:
        kind = TemporaryError
    raise kind(f"HTTP status {response.status_code}")


def describe(error: BaseException) -> str:
    """Return the operating system's reason of an exception, or the class of the exception from which it arose."""
    proxy = "proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
    while cause := error.__cause__ or error.__context__:
        error = cause
    if isinstance(error, TimeoutError):
        return f"{proxy}silent for {SILENCE_SECONDS:g} s"
    return proxy + ((isinstance(error, OSError) and error.strerror) or type(error).__name__)
