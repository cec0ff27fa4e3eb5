"""An SSH server on 127.0.0.1 with keys of its own."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from daemons import find_free_port, wait_until

SSHD = shutil.which("sshd", path=f"/usr/sbin:{os.environ.get('PATH', os.defpath)}")


class SshServer(NamedTuple):
    """A running server.

    Attributes:
        address: user, host and port.
        key: path of the private key that it accepts.
        command: for GIT_SSH_COMMAND.
    """

    address: str
    key: Path
    command: str

    def make_url(self, path: Path) -> str:
        """Return the URL of an absolute path on the server."""
        return f"ssh://{self.address}{path}"


@contextmanager
def run_ssh_server(folder: Path) -> Iterator[SshServer]:
    """Run a server whose keys and log are in a new folder, until the context is left."""
    folder.mkdir()
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True)
    port = find_free_port()
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": f'"{folder}/host_key"',
        "AuthorizedKeysFile": f'"{folder}/user_key.pub"',
        "PidFile": "none",
        "StrictModes": "no",
        "PermitRootLogin": "prohibit-password",
        "UseDNS": "no",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host_key.pub').read_text()}")
    options = {"IdentityFile": "user_key", "UserKnownHostsFile": "known_hosts"}
    lines = [f'{name} "{folder / file}"\n' for name, file in options.items()]
    (folder / "ssh_config").write_text("".join(["IdentitiesOnly yes\n", "BatchMode yes\n", *lines]))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # which sshd wants when root runs it
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    try:
        wait_until(lambda: b"Server listening" in (folder / "sshd.log").read_bytes() or process.poll())
        user = pwd.getpwuid(os.geteuid()).pw_name
        yield SshServer(f"{user}@127.0.0.1:{port}", folder / "user_key", f"ssh -F '{folder}/ssh_config'")
    finally:
        process.terminate()
        process.wait(timeout=20)
