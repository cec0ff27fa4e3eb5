"""Chromium without a network and without a window, driven by its DevTools protocol over two pipes."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FIRST_FREE = 10  # 3 and 4 are those of the browser
OPTIONS = [
    "--headless",
    "--no-sandbox",  # containers do not allow it
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--proxy-server=127.0.0.1:9",  # nothing listens there
    "--host-resolver-rules=MAP * ~NOTFOUND",
]


class Tab:
    """A tab of the browser."""

    def __init__(self, commands: int, output: int) -> None:
        """Open a tab, by the file descriptors of the browser's pipes."""
        self.commands, self.output = os.fdopen(commands, "wb"), os.fdopen(output, "rb")
        self.session: dict[str, str] = {}
        self.answers: dict[int, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.received = b""
        self.number = 0
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of https://chromedevtools.github.io/devtools-protocol, and return its result."""
        return self.wait(self.send(method, **parameters))

    def send(self, method: str, **parameters: object) -> int:
        """Send a call, and return its number for `wait`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters, **self.session}
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        return self.number

    def wait(self, number: int) -> dict[str, Any]:
        """Wait for the result of a call."""
        while number not in self.answers:
            self.receive()
        answer = self.answers.pop(number)
        assert "error" not in answer, answer["error"]
        return dict(answer["result"])

    def receive(self) -> None:
        """Read one message: an answer or an event."""
        while b"\0" not in self.received:
            chunk = self.output.read1(2**20)
            assert chunk, "the browser has ended"
            self.received += chunk
        text, _, self.received = self.received.partition(b"\0")
        message = json.loads(text)
        if "id" in message:
            self.answers[message["id"]] = message
        else:
            self.events.append(message)

    def open(self, page: Path) -> None:
        """Open a page from disk, and wait until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        while not self.list_events("Page.loadEventFired"):
            self.receive()

    def evaluate(self, expression: str) -> Any:
        """Evaluate JavaScript in the page; wait for a promise; return the value."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def list_events(self, *methods: str) -> list[dict[str, Any]]:
        """List the parameters of the events of these kinds since the page was opened."""
        return [event["params"] for event in self.events if event["method"] in methods]

    def list_messages(self) -> list[dict[str, Any]]:
        """List what the console shows: messages, uncaught errors, violations of the policy."""
        return self.list_events("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")


@contextmanager
def start(profile: Path) -> Iterator[Tab]:
    """Start the browser with an empty profile, and end it."""
    assert BROWSER
    (command_end, commands), (output, output_end) = os.pipe(), os.pipe()
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE) for end in (command_end, output_end)]
    pipes = [(os.POSIX_SPAWN_DUP2, ends[0], 3), (os.POSIX_SPAWN_DUP2, ends[1], 4)]
    silence = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    browser = os.posix_spawn(
        BROWSER,
        [BROWSER, *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}"],
        os.environ,
        file_actions=[*pipes, *silence],
    )
    for end in (command_end, output_end, *ends):
        os.close(end)
    tab = Tab(commands, output)
    try:
        yield tab
    finally:
        tab.commands.close()  # the browser ends
        tab.output.close()
        os.waitpid(browser, 0)
