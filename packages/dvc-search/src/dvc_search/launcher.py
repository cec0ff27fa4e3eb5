"""Run a command that ends with the process that started it: launcher.py PID COMMAND.

PID is that of the process that starts this one, in a session of its own. `preexec_fn` would do the same in the child,
but is not safe in a process with threads.
"""

import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1  # prctl(2) of Linux: the signal that this process gets when its parent ends


def main() -> int:
    """Run the command and return its exit status."""
    parent, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, kill_group)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it ended before the line above
        return 1
    inherited = [int(number) for number in os.environ.pop("SEARCH_LOCK", "").split()]
    return subprocess.run(command, pass_fds=inherited, check=False).returncode  # noqa: S603 - no shell


def kill_group(*_: object) -> None:
    """Kill all processes of this session, this one too."""
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
