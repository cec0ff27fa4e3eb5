"""Run a command so that it, and all that it started, ends with the dvc that runs the stage.

The guard starts a supervisor, and that the command. Who ends takes the others along:

- dvc, or a process between it and the guard: the supervisor waits for that, and Linux kills the guard at once.
- The guard: the supervisor kills all that descends from it. It adopts orphans, so that no process escapes.
- The supervisor: Linux kills the command, and the guard adopts and kills the rest.

The supervisor is in a session of its own, so it outlives a signal to the process group of dvc. The command stays in
that group: what a terminal sends reaches it as if there were no guard.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from dvc_guard.run.process import is_intact, open_process

WATCH_SECONDS = 2.0
POLL_SECONDS = 0.1  # where the system does not tell when a process ends
GROUP_SECONDS = 0.2  # within it, dvc ends by a signal that was sent to the whole process group
FOR_GROUP = (signal.SIGINT, signal.SIGQUIT)  # a terminal, and DVC, send them to the command, too
FOR_GUARD = (signal.SIGTERM, signal.SIGHUP)  # passed on to the command
PR_SET_PDEATHSIG = 1  # prctl(2) of Linux: the signal that this process gets when its parent ends
PR_SET_CHILD_SUBREAPER = 36  # its descendants, when their parent has ended, become its children


def end_with_parent() -> None:
    """Let Linux kill this process when its parent ends."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def execute(command: list[str]) -> NoReturn:
    """Replace this process by a command; exit as a shell does if that fails."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them, and so would the command
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell
    except OSError as error:
        _report(f"{command[0]}: {error.strerror}")
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def supervise(command: list[str], chain: list[int], watch: Callable[[], None]) -> int:
    """Run a command until it, or a process of `chain`, ends; return the exit status: 128 + n for signal n.

    Meanwhile call `watch` every WATCH_SECONDS.
    """
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    guard = os.getpid()
    handlers = {number: signal.getsignal(number) for number in (*FOR_GROUP, *FOR_GUARD)}
    for number, handler in handlers.items():
        if handler != signal.SIG_IGN:  # as of nohup
            signal.signal(number, lambda *_: None)
    end, held = os.pipe()  # its other end closes when the supervisor ends
    supervisor = os.fork()
    if supervisor == 0:
        os.close(end)
        os._exit(_run(command, [guard, *chain]))

    def pass_on(number: int, _frame: object) -> None:
        time.sleep(GROUP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.kill(supervisor, number)

    for number in FOR_GUARD:
        if handlers[number] != signal.SIG_IGN:
            signal.signal(number, pass_on)
    os.close(held)
    while not select.select([end], [], [], WATCH_SECONDS)[0]:
        watch()
    _, status = os.waitpid(supervisor, 0)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    if os.WIFSIGNALED(status):
        _kill_descendants()
        _report("the supervisor of the stage was killed; the stage ends")
    return _to_exit_status(status)


def _run(command: list[str], chain: list[int]) -> int:
    """Run the command as the supervisor, a child of the first process of `chain`."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    signals, other_end = os.pipe()  # gets the number of each signal
    os.set_blocking(other_end, False)
    signal.set_wakeup_fd(other_end)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    ends = list(filter(None, map(open_process, chain)))
    if not is_intact(chain):
        return 1
    child = _start(command)
    os.setsid()
    while (status := _reap(child)) is None:
        ready, _, _ = select.select([signals, *ends], [], [], None if len(ends) == len(chain) else POLL_SECONDS)
        if not is_intact(chain):
            _kill_descendants()
            _report("the dvc that runs the stage, or the worker of the queue, has ended; the stage ends")
            return 1
        for number in os.read(signals, 4096) if signals in ready else ():
            if number in FOR_GUARD:
                os.kill(child, number)
    _kill_descendants()  # what the command left
    return _to_exit_status(status)


def _start(command: list[str]) -> int:
    """Start the command, which ends with this process, and return its process ID."""
    supervisor = os.getpid()
    child = os.fork()
    if child == 0:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in (*FOR_GROUP, *FOR_GUARD):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        if os.getppid() == supervisor:
            execute(command)
        os._exit(1)
    return child


def _reap(child: int) -> int | None:
    """Collect all children that have ended; return the status of `child` if it is one of them."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            if ended[0] == child:
                return ended[1]
    return None


def _kill_descendants() -> None:
    """Kill all children; the children of those become children of this process in turn."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # usually there are none, and psutil need not be imported
        while _kill_children():
            os.waitpid(-1, 0)


def _kill_children() -> bool:
    """Kill the descendants; return whether there were any that this user may kill."""
    import psutil

    killed = False
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()
            killed = True
    return killed


def _to_exit_status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _report(text: str) -> None:
    with contextlib.suppress(OSError):  # standard error may be closed
        os.write(2, f"error: {text}\n".encode())


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)
