"""A mirror of the data set: its URL, and its credentials apart from that, so that they are in no message."""

import base64
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from pydantic import FileUrl, HttpUrl, TypeAdapter, ValidationError

from runtime.errors import StageError

MIRROR_URL: TypeAdapter[HttpUrl | FileUrl] = TypeAdapter(HttpUrl | FileUrl)

SCHEME = r"(?:https?|file):[/\\]*|[a-z][a-z0-9+.-]*://"
AT = r"(?:[@\uff20\ufe6b]|%(?:25)*40)"  # also as a parser of host names may read it: full width, percent-encoded
COLON = r"(?:[:\uff1a\ufe13\ufe55]|%(?:25)*3a)"
NO_PORT = r"(?!\d*(?:/|$))"


@dataclass(frozen=True)
class Mirror:
    """The base URL of a mirror, without credentials, and the Authorization header that it needs, or an empty text."""

    url: str
    authorization: str = field(default="", repr=False)


def parse_mirror(text: str) -> Mirror:
    """Parse a value of `MNIST_MIRROR`: a URL, where credentials mean HTTP basic authentication, or a folder.

    Raises:
        StageError: it is neither; the message has no credentials.
    """
    url = normalize_url(text)
    if url is None:
        shown = hide_credentials(text)
        hint = "; in a user name, password or path write @ as %40 and / as %2F" if "***" in shown else ""
        raise StageError(
            f"MNIST_MIRROR: {shown!r} is not allowed; it must be an http, https or file URL, or a folder{hint}"
        )
    parts = urlsplit(url)
    user_information, _, host = parts.netloc.rpartition("@")
    base = parts._replace(netloc=host).geturl().rstrip("/") + "/"
    return Mirror(base, encode_authorization(user_information) if user_information else "")


def normalize_url(text: str) -> str | None:
    """Return the URL of a mirror, or None if it is not allowed.

    An @ in a path or query is not allowed, because a / in a password, if not percent-encoded, ends the host there; nor
    is an @ in a folder, which may be a URL without a scheme. Only folders that exist may have one.
    """
    if "://" not in text and not re.match("https?:", text, re.IGNORECASE):
        is_allowed = os.access(text, os.F_OK) or not re.search(AT, text, re.IGNORECASE)
        return Path(text).resolve().as_uri() if is_allowed else None
    try:
        url = str(MIRROR_URL.validate_python(text))
    except ValidationError:  # its text has the URL
        return None
    parts = urlsplit(url)
    if parts.scheme == "file":
        is_allowed = os.access(unquote(parts.path), os.F_OK) or "@" not in text
    else:
        is_allowed = "@" not in re.sub(rf"^(?:{SCHEME})?[^/\\?#]*", "", text, flags=re.IGNORECASE)
    return url if is_allowed else None


def encode_authorization(user_information: str) -> str:
    """Return the Authorization header for `user:password`, both percent-encoded, as RFC 7617 defines it."""
    user, _, password = user_information.partition(":")
    credentials = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return f"Basic {base64.b64encode(credentials).decode()}"


def hide_credentials(text: str) -> str:
    """Replace by *** what may be credentials in a URL that cannot be parsed.

    That is all between the scheme and the last @; without one, what follows a colon and is no port; and a query.
    """
    match = re.match(SCHEME, text, re.IGNORECASE)
    scheme = match[0] if match else ""
    rest = text.removeprefix(scheme)
    flags = re.IGNORECASE | re.DOTALL
    if user_information := re.match(f".*{AT}", rest, flags):
        rest = "***@" + rest[user_information.end() :]
    else:
        address = re.match(r"\[[\da-f:.]*", rest, flags)  # IPv6
        start = address.end() if address else 0
        rest = rest[:start] + re.sub(f"{COLON}{NO_PORT}.*", ":***", rest[start:], flags=flags)
    return scheme + re.sub(r"[?#].*", "?***", rest, flags=re.DOTALL)
