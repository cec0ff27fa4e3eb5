"""What a mirror does instead of serving a file."""

import base64
import socket
import struct

from tests.stages.download.mirror import Fault, Response, send, send_headers


def send_error(status: int) -> Fault:
    """Send an error status."""
    return lambda response, _: response.send_error(status)


def send_bytes(content: bytes) -> Fault:
    """Send bytes in place of a response."""
    return lambda response, _: response.write(content)


def require_password(user: str, password: str) -> Fault:
    """Send the file to this user, and 401 with the received header to others."""
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def fault(response: Response, body: bytes) -> None:
        received = response.headers["Authorization"]
        if received == expected:
            send(response, body)
        else:
            response.send_error(401, f"not {received}")

    return fault


def send_instead(content: bytes) -> Fault:
    """Send another file."""
    return lambda response, _: send(response, content)


def redirect(location: str) -> Fault:
    """Redirect, with an endless page."""

    def fault(response: Response, body: bytes) -> None:
        send_headers(response, None, 302, Location=location)
        send_zeros(response, body)

    return fault


def redirect_once(location: str) -> Fault:
    """Redirect requests of the root, and send the file from its new folder."""

    def fault(response: Response, body: bytes) -> None:
        if response.path.count("/") == 1:
            send_headers(response, 0, 302, Location=location)
        else:
            send(response, body)

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


def stall(response: Response, _: bytes) -> None:
    """Accept the connection, and send nothing."""
    response.server.stopped.wait()


def stall_within_body(response: Response, body: bytes) -> None:
    """Send half of the file, then nothing."""
    truncate(response, body)
    response.server.stopped.wait()


def trickle(start: bytes, pause: float = 0.05) -> Fault:
    """Send `start`, then a byte after each pause, endlessly."""

    def fault(response: Response, _: bytes) -> None:
        response.write(start)
        while response.pause(pause):
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


def keep_open_without_length(response: Response, body: bytes) -> None:
    """Send the whole file without Content-Length, and do not close the connection."""
    send_headers(response, None)
    response.write(body)
    response.server.stopped.wait()


def keep_open_in_chunks(response: Response, body: bytes) -> None:
    """Send the whole file as one chunk without the last chunk, and do not close the connection."""
    response.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body))
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
