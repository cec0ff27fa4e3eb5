"""An HTTP server on the loopback device that serves files, or has faults that a test chooses."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Mirror(ThreadingHTTPServer):
    """Serves `files` by name. A function of `faults`, by name of a file, responds in place of the server.

    `requests` lists the requested paths, `authorizations` the Authorization header of each request, or None;
    `connections` counts, also those of other protocols.
    """

    def __init__(self, files: dict[str, bytes], faults: "dict[str, Fault] | None" = None) -> None:
        """Bind to a free port; `run_mirror` starts it."""
        super().__init__(("127.0.0.1", 0), Response)
        self.files = files
        self.faults = faults or {}
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []
        self.connections = 0
        self.stopped = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def add_credentials(self, user: str, password: str) -> str:
        """Return the URL of the mirror with a user name and a password."""
        return self.url.replace("//", f"//{user}:{password}@")

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        self.connections += 1
        return super().get_request()

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
