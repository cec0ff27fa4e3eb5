"""An HTTP server on the loopback device that serves files, with faults that a test chooses."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Mirror(ThreadingHTTPServer):
    """Serves `files` by name. A function of `faults`, by name of a file, responds in place of the server.

    `requests` lists the requested paths.
    """

    def __init__(self, files: dict[str, bytes], faults: "dict[str, Fault] | None" = None) -> None:
        """Bind to a free port; `run_mirror` starts it."""
        super().__init__(("127.0.0.1", 0), Response)
        self.files = files
        self.faults = faults or {}
        self.requests: list[str] = []
        self.stopped = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: clients that disconnect are expected."""


class Response(BaseHTTPRequestHandler):
    """The response to one request."""

    server: Mirror

    def do_GET(self) -> None:
        """Send the file, or call the fault."""
        self.server.requests.append(self.path)
        name = self.path.rpartition("/")[2]
        if name in self.server.faults:
            self.server.faults[name](self, self.server.files[name])
        elif name in self.server.files:
            send(self, self.server.files[name])
        else:
            self.send_error(404)

    def write(self, content: bytes) -> None:
        """Send bytes without headers."""
        self.wfile.write(content)

    def pause(self, seconds: float) -> bool:
        """Wait; return False if the mirror stops meanwhile."""
        return not self.server.stopped.wait(seconds)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Print nothing."""


Fault = Callable[[Response, bytes], None]


@contextlib.contextmanager
def run_mirror(files: dict[str, bytes], faults: dict[str, Fault] | None = None) -> Iterator[Mirror]:
    """Serve until the end of the `with` statement."""
    with Mirror(files, faults) as mirror:
        thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield mirror
        finally:
            mirror.stopped.set()
            mirror.shutdown()
            thread.join()


def send_headers(response: Response, length: object, status: int = 200, **headers: str) -> None:
    """Send a status line and headers, with Content-Length unless `length` is None."""
    response.send_response(status)
    for name, value in headers.items():
        response.send_header(name, value)
    if length is not None:
        response.send_header("Content-Length", str(length))
    response.end_headers()


def send(response: Response, content: bytes, length: object = None) -> None:
    """Send headers and content; `length` replaces the true Content-Length."""
    send_headers(response, len(content) if length is None else length)
    response.write(content)


def send_error(status: int) -> Fault:
    """Send an error status."""
    return lambda response, _: response.send_error(status)


def send_instead(content: bytes) -> Fault:
    """Send another file."""
    return lambda response, _: send(response, content)


def redirect(location: str) -> Fault:
    """Redirect, with an endless page."""

    def fault(response: Response, body: bytes) -> None:
        send_headers(response, None, 302, Location=location)
        send_zeros(response, body)

    return fault


def redirect_to_itself(response: Response, _: bytes) -> None:
    """Redirect to the same path."""
    send_headers(response, 0, 302, Location=response.path)


def send_with_length(length: object) -> Fault:
    """Send the file with another Content-Length, and close."""
    return lambda response, body: send(response, body, length)


def truncate(response: Response, body: bytes) -> None:
    """Send half of the file, and close."""
    send(response, body[: len(body) // 2], length=len(body))


def reset(response: Response, body: bytes) -> None:
    """Send half of the file, and reset the connection."""
    truncate(response, body)
    response.wfile.flush()
    response.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    response.connection.close()


def close_without_response(response: Response, _: bytes) -> None:
    """Close the connection."""
    response.close_connection = True


def send_control_characters(response: Response, _: bytes) -> None:
    """Send a reason phrase with terminal control characters."""
    response.write(b"HTTP/1.0 403 \x1b[31mred\x1b[0m\r\n\r\n")


def stall(response: Response, _: bytes) -> None:
    """Accept the connection, and send nothing."""
    response.server.stopped.wait()


def stall_within_body(response: Response, body: bytes) -> None:
    """Send half of the file, then nothing."""
    truncate(response, body)
    response.server.stopped.wait()


def trickle(start: bytes) -> Fault:
    """Send `start`, then single bytes, endlessly."""

    def fault(response: Response, _: bytes) -> None:
        response.write(start)
        while response.pause(0.05):
            response.write(b"1")

    return fault


def send_zeros(response: Response, _: bytes) -> None:
    """Send zeros endlessly, as the body of a response."""
    while response.pause(0):
        response.write(bytes(2**16))


def send_endless_file(response: Response, body: bytes) -> None:
    """Send a file of endless zeros."""
    send_headers(response, None)
    send_zeros(response, body)


def keep_open(response: Response, body: bytes) -> None:
    """Send the whole file, and do not close the connection."""
    send(response, body)
    response.server.stopped.wait()


def send_slowly(seconds: float) -> Fault:
    """Send the whole file in ten parts within `seconds`."""

    def fault(response: Response, body: bytes) -> None:
        send_headers(response, len(body))
        step = -(-len(body) // 10)
        for start in range(0, len(body), step):
            response.pause(seconds / 10)
            response.write(body[start : start + step])

    return fault
