"""docs/sharing.md, with a real SSH server: its commands, and what happens if a transfer fails."""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clone import ROOT, Clone
from tests.faults.full_disk import small_disk
from tests.faults.scene import read_outputs
from tests.ssh_server import SshServer, needs_sshd, run_ssh_server

pytestmark = [pytest.mark.slow, needs_sshd]
PAGE = (ROOT / "docs/sharing.md").read_text()
Server = tuple[SshServer, contextlib.ExitStack]


def read_commands(section: str) -> list[str]:
    """Read the commands of each block of a section of the page."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return [
        re.sub(r"^\$ ", "", block, flags=re.MULTILINE) for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    ]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Return a running SSH server with a bare Git repository, and a stack whose closing ends it."""
    (tmp_path / "server").mkdir()
    repository = tmp_path / "srv/mnist.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", repository], check=True)
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(run_ssh_server(tmp_path / "server")), stack


@pytest.fixture
def owner(light: Clone, server: Server, tmp_path: Path) -> Clone:
    """Return a clone with outputs, whose user may log in to the server."""
    light.environment |= server[0].log_in_from(tmp_path / "home", server[0].key)
    light.identify()
    return light


def run_commands(clone: Clone, server: Server, commands: str, *, check: bool = True) -> str:
    """Run commands of the page in the folder of a clone; return their output."""
    script = commands.replace("ssh://HOST/srv", server[0].make_url(server[0].key.parent.parent / "srv"))
    process = clone.run("sh", "-euc", script, check=check)
    return process.stdout + process.stderr


def test_commands_of_the_page(owner: Clone, server: Server, tmp_path: Path) -> None:
    [push] = read_commands("Push")
    run_commands(owner, server, push)
    other = Clone(tmp_path / "other")
    other.folder.mkdir()
    other.environment = owner.environment | {"DVC_SITE_CACHE_DIR": str(tmp_path / "other-site")}
    pull, get = read_commands("Pull")
    assert "up to date" in run_commands(other, server, pull)
    run_commands(other, server, get)
    there = Clone(other.folder / "mnist")
    there.environment = other.environment
    assert read_outputs(there) == read_outputs(owner)
    assert (other.folder / "draw.html").read_bytes() == (owner.folder / "models/draw.html").read_bytes()

    run, apply = read_commands("Experiments")
    run_commands(owner, server, run)
    run_commands(there, server, apply)
    assert read_outputs(there) == read_outputs(owner)
    assert "up to date" in there.run("dvc", "status").stdout

    register, get = read_commands("Versions of the model")
    model = (there.folder / "models/mlp.safetensors").read_bytes()
    there.identify()
    there.commit("Use adam")
    run_commands(there, server, f"dvc push\ngit push origin main\n{register}")
    run_commands(other, server, get)
    assert [path.read_bytes() for path in sorted(other.folder.glob("mlp*.safetensors"))] == [model, model]


def test_failed_push_says_why_and_loses_nothing(owner: Clone, server: Server, tmp_path: Path) -> None:
    before = read_outputs(owner)

    def push() -> str:
        output = run_commands(owner, server, "dvc push && exit 9 || exit 0")
        assert "Traceback" not in output
        return output

    run_commands(owner, server, "dvc remote add --default storage ssh://HOST/srv/mnist.dvc")
    if os.geteuid() == 0:  # who can mount a small disk
        with small_disk(tmp_path / "srv/mnist.dvc") as disk:
            subprocess.run(["mount", "-o", "remount,size=100k", disk], check=True)
            assert "failed to transfer" in push()
            subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
            assert "pushed" in run_commands(owner, server, "dvc push")
    server[0].log_in_from(tmp_path / "home", server[0].key.with_name("other_key"))
    assert "Permission denied" in push()
    server[1].close()
    assert "Connect call failed" in push()
    assert read_outputs(owner) == before
    assert "up to date" in owner.run("dvc", "status").stdout
