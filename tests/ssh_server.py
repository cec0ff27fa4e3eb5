"""An SSH server on 127.0.0.1 with keys of its own."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

SSHD = shutil.which("sshd", path=f"/usr/sbin:{os.environ.get('PATH', os.defpath)}")
needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs openssh-server")


class SshServer(NamedTuple):
    """A running server.

    Attributes:
        port: its port on 127.0.0.1.
        user: whom to log in as.
        key: path of the private key that it accepts.
        config: path of a configuration for `ssh -F`.
        log: path of its log.
    """

    port: int
    user: str
    key: Path
    config: Path
    log: Path

    def make_url(self, path: Path) -> str:
        """Return the URL of an absolute path on the server."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}{path}"

    def log_in_from(self, home: Path, key: Path) -> dict[str, str]:
        """Configure SSH in a home folder with a key; return the environment that makes Git and DVC use it."""
        settings = home / ".ssh"
        settings.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(key, settings / "id_ed25519")
        shutil.copy(self.config.with_name("known_hosts"), settings)
        (settings / "config").write_text(self.config.read_text().replace(str(self.key), str(settings / "id_ed25519")))
        # OpenSSH takes the home folder of the system's user, and DVC ignores GIT_SSH_COMMAND.
        command = home / "bin/ssh"
        command.parent.mkdir(exist_ok=True)
        command.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F "{settings}/config" "$@"\n')
        command.chmod(0o700)
        return {"HOME": str(home), "PATH": f"{command.parent}:{sys.prefix}/bin:{os.environ['PATH']}"}

    @property
    def command(self) -> str:
        """The value of GIT_SSH_COMMAND."""
        return f"ssh -F '{self.config}'"


@contextmanager
def run_ssh_server(folder: Path) -> Iterator[SshServer]:
    """Run a server whose keys and log are in an empty folder, until the context is left."""
    for name in ("host_key", "user_key", "other_key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True, timeout=60
        )
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # which sshd wants when root runs it
    server = _describe(folder)
    with server.log.open("wb") as log:
        process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    try:
        _wait_for(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


def _describe(folder: Path) -> SshServer:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = pwd.getpwuid(os.geteuid()).pw_name
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": f'"{folder}/host_key"',
        "AuthorizedKeysFile": f'"{folder}/authorized_keys"',
        "PidFile": "none",
        "UsePAM": "no",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "UseDNS": "no",
        "MaxStartups": "100",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    host_key = (folder / "host_key.pub").read_text().strip()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    options = {
        "IdentityFile": f'"{folder}/user_key"',
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": f'"{folder}/known_hosts"',
        "BatchMode": "yes",
    }
    (folder / "ssh_config").write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    return SshServer(port, user, folder / "user_key", folder / "ssh_config", folder / "sshd.log")


def _wait_for(server: SshServer, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=5):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"sshd did not start: {server.log.read_text()}") from None
            time.sleep(0.05)
