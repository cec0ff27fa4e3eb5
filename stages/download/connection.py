"""Open a file on a mirror: HTTP basic authentication, safe redirects, and errors in words.

No error has text from a server: it may repeat the credentials.
"""

import http.client
import re
import string
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

MOST_REDIRECTS = 10
REDIRECT_STATUSES = (301, 302, 303, 307, 308)
REDIRECT_SCHEMES = {"http": ("http", "https"), "https": ("https",)}
DEFAULT_PORTS = {"http": 80, "https": 443}
HANDLERS: tuple[type[urllib.request.BaseHandler], ...] = (
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.FileHandler,
    urllib.request.UnknownHandler,
)


class RequestError(Exception):
    """A request has failed; the text says why."""


def open_url(url: str, authorization: str, timeout: float) -> Any:
    """Return the response of an http, https or file URL, after redirects; its body can be read.

    Args:
        url: Without credentials.
        authorization: The header for the server of `url`, or an empty text; no other server receives it.
        timeout: Seconds without a byte, for each connection.

    Raises:
        RequestError: the status is not 2xx, or a redirect is not allowed.
        Exception: of urllib and http.client, for everything else.
    """
    opener = urllib.request.OpenerDirector()  # with all handlers but those of ftp, data, redirects and error statuses
    for handler in HANDLERS:
        opener.add_handler(handler())
    for _ in range(1 + MOST_REDIRECTS):
        request = urllib.request.Request(url)  # noqa: S310 - the opener has no other schemes
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        response: Any = opener.open(request, timeout=timeout)
        if response.status is None or 200 <= response.status < 300:  # a file has no status
            return response
        response.close()  # unread: a page that comes with a redirect may be endless
        if response.status not in REDIRECT_STATUSES:
            phrase = http.client.responses.get(response.status, "unknown status")
            raise RequestError(f"HTTP Error {response.status}: {phrase}")
        target = resolve_redirect(url, response.headers["Location"])
        if not is_same_server(url, target):
            authorization = ""
        url = target
    raise RequestError(f"more than {MOST_REDIRECTS} redirects")


def resolve_redirect(url: str, location: str | None) -> str:
    """Return the URL that a redirect leads to, without credentials.

    Raises:
        RequestError: it is no URL, or its scheme is not allowed.
    """
    scheme = urlsplit(url).scheme
    allowed = REDIRECT_SCHEMES[scheme]
    try:  # http.client decodes headers as ISO-8859-1
        quoted = quote(location or "", safe=string.punctuation, encoding="iso-8859-1")
        target = urlsplit(urljoin(url, quoted))
        is_valid = quoted and (target.scheme not in allowed or (target.hostname and target.port != 0))
    except ValueError:  # of urlsplit, or the port
        is_valid = False
    if not is_valid:
        raise RequestError("redirects to an invalid URL")
    if target.scheme not in allowed:
        raise RequestError(f"redirects from {scheme} to a URL that is not {' or '.join(allowed)}")
    return target._replace(netloc=target.netloc.rpartition("@")[2]).geturl()


def is_same_server(url: str, target: str) -> bool:
    """Test whether scheme, host and port are the same, or change from http to https on the default ports."""
    old, new = (
        (parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme])
        for parts in (urlsplit(url), urlsplit(target))
    )
    return new == old or (old[::2] == ("http", 80) and new == ("https", old[1], 443))


def describe(error: Exception, timeout: float) -> str:
    """Return why a request has failed, in one line: text of this module, of urllib or of the operating system."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return f"silent for {timeout:g} s"
    if isinstance(reason, str | RequestError | http.client.RemoteDisconnected):
        return str(reason)
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    refused_by_proxy = re.match(r"Tunnel connection failed: \d+", str(reason))  # a text of the proxy follows
    return refused_by_proxy[0] if refused_by_proxy else type(reason).__name__
