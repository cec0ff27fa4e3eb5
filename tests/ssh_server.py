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
    """A running server: its port, and the private key that it accepts; its folder is that of the key."""

    port: int
    key: Path

    def make_url(self, path: Path) -> str:
        """Return the URL of an absolute path on the server."""
        return f"ssh://{pwd.getpwuid(os.geteuid()).pw_name}@127.0.0.1:{self.port}{path}"

    def log_in_from(self, home: Path, key: Path) -> dict[str, str]:
        """Configure SSH in a home folder with a key; return the environment that makes Git and DVC use it."""
        settings, command = home / ".ssh", home / "bin/ssh"
        settings.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(key, settings / "id_ed25519")
        host_key = key.with_name("host_key.pub").read_text()
        (settings / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host_key}")
        files = {"IdentityFile": "id_ed25519", "UserKnownHostsFile": "known_hosts"}
        lines = [f'{name} "{settings / file}"\n' for name, file in files.items()]
        (settings / "config").write_text("".join([*lines, "IdentitiesOnly yes\n", "BatchMode yes\n"]))
        # OpenSSH takes the home folder of the system's user, and DVC ignores GIT_SSH_COMMAND.
        command.parent.mkdir(exist_ok=True)
        command.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F "{settings}/config" "$@"\n')
        command.chmod(0o700)
        return {"HOME": str(home), "PATH": f"{command.parent}:{sys.prefix}/bin:{os.environ['PATH']}"}


@contextmanager
def run_ssh_server(folder: Path) -> Iterator[SshServer]:
    """Run a server whose keys and log are in an empty folder, until the context is left."""
    for name in ("host_key", "user_key", "other_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": f'"{folder}/host_key"',
        "AuthorizedKeysFile": f'"{folder}/user_key.pub"',
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
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # which sshd wants when root runs it
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    try:
        while b"Server listening" not in (folder / "sshd.log").read_bytes():
            assert process.poll() is None, (folder / "sshd.log").read_text()
            time.sleep(0.05)
        yield SshServer(port, folder / "user_key")
    finally:
        process.terminate()
        process.wait(timeout=20)
