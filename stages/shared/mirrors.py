"""Download files from the first of several mirrors that serves them.

Whatever is wrong with a mirror (refusal, silence, low speed, truncation, wrong content), the reason is printed, without
the credentials of the mirror, and the next one is tried.
"""

import gzip
import io
import os
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, unquote_to_bytes, urlsplit

from requests.auth import HTTPBasicAuth
from requests.utils import get_netrc_auth

from stages.shared.errors import StageError
from stages.shared.transfer import (
    MAX_BYTES,
    Authenticate,
    MissingError,
    TemporaryError,
    TransferError,
    receive,
    send_no_credentials,
)

PAUSE_SECONDS = 2.0  # before mirrors are tried again

ADDRESS = re.compile(r"([\w.-]+|\[[\da-f:.]+\])(:\d+)?", re.IGNORECASE)


class Mirror(NamedTuple):
    """A folder or URL that ends in /, without credentials, and what adds the credentials to a request."""

    base: str
    authenticate: Authenticate = send_no_credentials


class File(NamedTuple):
    """A file of a data set, the checksum of its archive, `name`.gz, and its own checksum, where that is known."""

    name: str
    md5: str
    sha256: str | None


def fetch(file: File, mirrors: list[Mirror], deadline: float, attempts: int = 2) -> bytes | None:
    """Return the unpacked content of a file, or None if no mirror serves it.

    Args:
        file: What to download.
        mirrors: In the order they are tried. The one that serves the file becomes the first.
        deadline: When to give up, as time.monotonic() counts.
        attempts: With each mirror, as long as its failure may be temporary.
    """
    candidates = list(mirrors)
    printed: set[str] = set()
    for attempt in range(attempts):
        if attempt and candidates:
            time.sleep(PAUSE_SECONDS)
        for mirror in list(candidates):
            try:
                content = fetch_from(mirror, file, deadline)
            except TransferError as error:
                line = f"mirror {mirror.base} does not serve {file.name}.gz: {error}"
                if line not in printed:
                    print(line, file=sys.stderr)
                printed.add(line)
                if not isinstance(error, TemporaryError):
                    candidates.remove(mirror)
            else:
                mirrors.remove(mirror)
                mirrors.insert(0, mirror)
                return content
    return None


def fetch_from(mirror: Mirror, file: File, deadline: float) -> bytes:
    """Return the content of a file: that of its archive, or of the unpacked file where there is no archive."""
    location = mirror.base + file.name
    try:
        archive = receive(f"{location}.gz", mirror.authenticate, "md5", file.md5, deadline)
    except MissingError:
        if file.sha256 is None:
            raise
        return receive(location, mirror.authenticate, "sha256", file.sha256, deadline)
    content = gzip.GzipFile(fileobj=io.BytesIO(archive)).read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TransferError(f"more than {MAX_BYTES} bytes, unpacked")
    return content


def read_own_mirror() -> list[Mirror]:
    """Return the mirror that the environment variable MNIST_MIRROR names, if it is set.

    Its credentials are in the URL, or else in ~/.netrc.

    Raises:
        StageError: it is malformed; the message does not repeat it, since it may have a password.
    """
    text = os.environ.get("MNIST_MIRROR", "").strip()
    if not text:
        return []
    url = split_url(text)
    path = unquote(url.path)
    is_absolute = url.netloc in {"", "localhost"} and path.startswith("/")
    if url.scheme == "file" and is_absolute and ("@" not in path or Path(path).exists()):
        return [Mirror(path.rstrip("/") + "/")]
    user_information, _, address = url.netloc.rpartition("@")
    if url.scheme in {"http", "https"} and ADDRESS.fullmatch(address) and "@" not in url.path:
        base = f"{url.scheme}://{address}{url.path.rstrip('/')}/"
        user, _, password = user_information.partition(":")
        if user or password:
            return [Mirror(base, HTTPBasicAuth(unquote_to_bytes(user), unquote_to_bytes(password)))]
        login = get_netrc_auth(base)
        return [Mirror(base, HTTPBasicAuth(login[0].encode(), login[1].encode()) if login else send_no_credentials)]
    raise StageError(
        "MNIST_MIRROR: must be the absolute path of a folder, or a file://, http:// or https:// URL; in a user name or "
        "password, write @ as %40, / as %2F and so on"
    )


def split_url(text: str) -> SplitResult:
    """Split a URL, or the absolute path of a folder as a file URL; the parts of one that is not allowed are empty."""
    try:
        url = urlsplit(Path(text).as_uri() if text.startswith("/") else text)
        is_allowed = text.isprintable() and not url.query and not url.fragment and url.port != 0
    except ValueError:  # of urlsplit or port; its text may have the password
        is_allowed = False
    return url if is_allowed else urlsplit("")
