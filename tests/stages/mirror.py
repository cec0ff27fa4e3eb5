"""An HTTP server on the loopback device that serves files, or has faults that a test chooses."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Mirror(ThreadingHTTPServer):
    """Serves `files` by name. A function of `faults`, by name of a file, responds in place of the server.

    `requests` lists the paths that were requested, `authorizations` the Authorization header of each request, or None.
    """

    def __init__(self, files: dict[str, bytes], faults: "dict[str, Fault]") -> None:
        """Bind to a free port; `run_mirror` starts it."""
        super().__init__(("127.0.0.1", 0), Response)
        self.files = files
        self.faults = faults
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []
        self.stopped = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def add_credentials(self, credentials: str) -> str:
        """Return the URL of the mirror with `user:password`."""
        return self.url.replace("//", f"//{credentials}@")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: clients that disconnect are expected."""


class Response(BaseHTTPRequestHandler):
    """The response to one request."""

    server: Mirror

    def do_GET(self) -> None:
        """Send the file, or call the fault."""
        self.server.requests.append(self.path)
        self.server.authorizations.append(self.headers["Authorization"])
        name = self.path.rpartition("/")[2]
        if name in self.server.faults:
            self.server.faults[name](self, self.server.files[name])
        elif name in self.server.files:
            send(self, self.server.files[name])
        else:
            self.send_error(404)

    def pause(self, seconds: float) -> bool:
        """Wait; return False if the mirror stops meanwhile."""
        return not self.server.stopped.wait(seconds)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Print nothing."""


Fault = Callable[[Response, bytes], None]


@contextlib.contextmanager
def run_mirror(files: dict[str, bytes], faults: dict[str, Fault] | None = None) -> Iterator[Mirror]:
    """Serve until the end of the `with` statement."""
    with Mirror(files, faults or {}) as mirror:
        thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield mirror
        finally:
            mirror.stopped.set()
            mirror.shutdown()
            thread.join()


def send(response: Response, content: bytes, status: int = 200, **headers: object) -> None:
    """Send headers and content. A header of None, which is written with _ for -, is left out."""
    response.send_response(status)
    for name, value in ({"Content_Length": len(content)} | headers).items():
        if value is not None:
            response.send_header(name.replace("_", "-"), str(value))
    response.end_headers()
    response.wfile.write(content)


def send_error(status: int, reason: str | None = None) -> Fault:
    return lambda response, _: response.send_error(status, reason)


def send_with(content: bytes | None = None, **headers: object) -> Fault:
    return lambda response, body: send(response, body if content is None else content, 200, **headers)


def send_bytes(content: bytes) -> Fault:
    def fault(response: Response, _: bytes) -> None:
        response.wfile.write(content)

    return fault


def send_chunk(response: Response, body: bytes) -> None:
    """Send the file as one chunk, without the last chunk."""
    response.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body))


def redirect(location: str) -> Fault:
    """Redirect, with an endless page."""
    return lambda response, body: send_endless(response, body, status=302, Location=location)


def redirect_once(location: str) -> Fault:
    """Redirect requests of the root, and send the file from its new folder."""

    def fault(response: Response, body: bytes) -> None:
        redirected = response.path.count("/") > 1
        send(response, body) if redirected else send(response, b"", 302, Location=location)

    return fault


def fail_once(response: Response, body: bytes) -> None:
    """Send 503 in response to the first request, and the file in response to others."""
    send(response, body) if response.server.requests.count(response.path) > 1 else response.send_error(503)


def truncate(response: Response, body: bytes) -> None:
    send(response, body[: len(body) // 2], Content_Length=len(body))


def reset(response: Response, body: bytes) -> None:
    truncate(response, body)
    response.wfile.flush()
    response.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    response.connection.close()


def then_wait(fault: Fault) -> Fault:
    def wait(response: Response, body: bytes) -> None:
        fault(response, body)
        response.server.stopped.wait()

    return wait


def trickle(start: bytes) -> Fault:
    """Send `start`, then a byte every 20 ms, endlessly."""

    def fault(response: Response, _: bytes) -> None:
        response.wfile.write(start)
        while response.pause(0.02):
            response.wfile.write(b"1")

    return fault


def send_endless(response: Response, _: bytes, status: int = 200, **headers: object) -> None:
    send(response, b"", status, Content_Length=None, **headers)
    while response.pause(0):
        response.wfile.write(bytes(2**16))


def find_closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
