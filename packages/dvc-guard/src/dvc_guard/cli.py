"""The command `dvc-guard`. Each of its commands imports only what it needs: `run` is called for every stage."""

import os
import sys
from contextlib import suppress
from typing import NoReturn

# Each command's module, with a function `main`, and what the command does.
CHECKS = "checks.command_line"
COMMANDS = {
    "run": ("run.command_line", "Run a stage; it fails if DVC would record what did not run"),
    "fresh": (CHECKS, "Compare HEAD's dvc.lock with the code, parameters and dvc.yaml of HEAD"),
    "cache": (CHECKS, "Verify the hash of every object and entry of the DVC cache"),
    "reproduce": (CHECKS, "Run HEAD's pipeline in a clone and compare the outputs with dvc.lock"),
    "gate": (CHECKS, "Fail if a metric is worse than at another commit"),
    "all": (CHECKS, "Run fresh, cache and reproduce"),
    "restore": ("restore.command_line", "Restore the workspace after a killed run, a full disk or damage"),
    "plots-page": ("plots_page", "Write a page for dvc plots that needs no network"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name == "run":
        from dvc_guard.run.command_line import main as run

        return run(rest)
    if name in COMMANDS:
        return run_slowly(name, rest)
    if name in {"-h", "--help"}:
        print("usage: dvc-guard COMMAND ...; dvc-guard COMMAND --help describes one\n")
        print("\n".join(f"  {command:<10}  {text}" for command, (_, text) in COMMANDS.items()))
        return 0
    print(f"dvc-guard: {name}: no such command; see --help", file=sys.stderr)
    return 2


def run_slowly(name: str, arguments: list[str]) -> int:
    """Run a command that imports DVC and return its exit status. Any error is one line, or one for each GuardError."""
    import importlib
    import threading

    from dvc_guard.errors import GuardError

    module, _ = COMMANDS[name]

    def fail(error: BaseException | None) -> NoReturn:
        # At once: a normal exit waits for threads, and with text that cannot be written its status is 120.
        with suppress(OSError):
            print(f"error: {name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(2 if module == CHECKS else 1)

    # pygit2 reads a file of a commit in a thread, and waits forever if that fails.
    threading.excepthook = lambda thread: fail(thread.exc_value)
    try:
        status: int = importlib.import_module(f"dvc_guard.{module}").main(name, arguments)
        for stream in (sys.stdout, sys.stderr):
            if stream:  # None if it was closed
                stream.flush()
    except GuardError as error:
        print("\n".join(f"error: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return error.status
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - for example, the disk of stdout or stderr is full
        fail(error)
    return status
