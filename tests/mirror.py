"""A mirror on the loopback device that serves files, and misbehaves on request."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Mirror(ThreadingHTTPServer):
    """Serves `files` by name. A request for a key of `faults` is answered by that function instead.

    `requests` lists the paths that were asked for.
    """

    def __init__(self, files: dict[str, bytes], faults: "dict[str, Fault] | None" = None) -> None:
        """Bind to a free port; `run_mirror` starts it."""
        super().__init__(("127.0.0.1", 0), Answer)
        self.files = files
        self.faults = faults or {}
        self.requests: list[str] = []
        self.stopped = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: clients that go away are expected."""


class Answer(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Mirror

    def do_GET(self) -> None:
        """Serve the file, or do what the fault does."""
        self.server.requests.append(self.path)
        name = self.path.rpartition("/")[2]
        if name in self.server.faults:
            self.server.faults[name](self, self.server.files[name])
        elif name in self.server.files:
            send(self, self.server.files[name])
        else:
            self.send_error(404)

    def write(self, content: bytes) -> None:
        """Send as it is."""
        self.wfile.write(content)

    def pause(self, seconds: float) -> bool:
        """Wait; return False when the mirror stops meanwhile."""
        return not self.server.stopped.wait(seconds)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Print nothing."""


Fault = Callable[[Answer, bytes], None]


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


def send_headers(answer: Answer, length: object, status: int = 200, **headers: str) -> None:
    """Send a status line and headers; a length of None is left out."""
    answer.send_response(status)
    for name, value in headers.items():
        answer.send_header(name, value)
    if length is not None:
        answer.send_header("Content-Length", str(length))
    answer.end_headers()


def send(answer: Answer, content: bytes, length: object = None) -> None:
    """Send headers and content, under its length or another."""
    send_headers(answer, len(content) if length is None else length)
    answer.write(content)


def refuse(status: int) -> Fault:
    """Answer with an error status."""
    return lambda answer, _: answer.send_error(status)


def send_instead(content: bytes) -> Fault:
    """Send another file."""
    return lambda answer, _: send(answer, content)


def redirect(location: str) -> Fault:
    """Redirect elsewhere, with a page that does not end."""

    def fault(answer: Answer, body: bytes) -> None:
        send_headers(answer, None, 302, Location=location)
        endless(answer, body)

    return fault


def redirect_loop(answer: Answer, _: bytes) -> None:
    """Redirect to the same path."""
    send_headers(answer, 0, 302, Location=answer.path)


def promise_length(length: object) -> Fault:
    """Send the file under a wrong Content-Length, and close."""
    return lambda answer, body: send(answer, body, length)


def truncate(answer: Answer, body: bytes) -> None:
    """Send half of what was promised, and close."""
    send(answer, body[: len(body) // 2], length=len(body))


def reset(answer: Answer, body: bytes) -> None:
    """Reset the connection in the middle."""
    truncate(answer, body)
    answer.wfile.flush()
    answer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    answer.connection.close()


def close_at_once(answer: Answer, _: bytes) -> None:
    """Say nothing, and close."""
    answer.close_connection = True


def speak_nonsense(answer: Answer, _: bytes) -> None:
    """Send what is not HTTP, with what would change the colors of a terminal, and several lines."""
    answer.write(b"HTTP/1.0 403 \x1b[31mred\x1b[0m\r\n\r\n")


def stall(answer: Answer, _: bytes) -> None:
    """Accept, and say nothing."""
    answer.server.stopped.wait()


def stall_in_the_middle(answer: Answer, body: bytes) -> None:
    """Send half, then nothing."""
    truncate(answer, body)
    answer.server.stopped.wait()


def trickle(start: bytes) -> Fault:
    """Send `start`, then one byte after the other, without end."""

    def fault(answer: Answer, _: bytes) -> None:
        answer.write(start)
        while answer.pause(0.05):
            answer.write(b"1")

    return fault


def endless(answer: Answer, _: bytes) -> None:
    """Send zeros without end, after the headers of this or another fault."""
    while answer.pause(0):
        answer.write(bytes(2**16))


def endless_file(answer: Answer, body: bytes) -> None:
    """Send a file without end."""
    send_headers(answer, None)
    endless(answer, body)


def keep_open(answer: Answer, body: bytes) -> None:
    """Send the whole file, and do not close."""
    send(answer, body)
    answer.server.stopped.wait()


def send_slowly(seconds: float) -> Fault:
    """Send the whole file in ten pieces over so many seconds."""

    def fault(answer: Answer, body: bytes) -> None:
        send_headers(answer, len(body))
        step = -(-len(body) // 10)
        for start in range(0, len(body), step):
            answer.pause(seconds / 10)
            answer.write(body[start : start + step])

    return fault
