"""A trial whose Git and DVC remotes are on an SSH server."""

from pathlib import Path

import pytest

from search.repository import fetch_experiments, find_source, make_task
from search.task import Control, Outcome
from search.trial import run_trial
from tests.clone import Clone
from tests.search.configurations import configure
from tests.search.consistency import assert_refs_have_data
from tests.search.stub import add_remotes
from tests.ssh_server import SSHD, run_ssh_server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(SSHD is None, reason="needs sshd")]


def test_remotes_over_ssh(project: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "DVC_SITE_CACHE_DIR", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, project.environment[name])
    (tmp_path / "server").mkdir()
    project.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(tmp_path / "git"))
    with run_ssh_server(tmp_path / "server") as server:
        monkeypatch.setenv("GIT_SSH_COMMAND", server.command)
        project.environment["GIT_SSH_COMMAND"] = server.command
        settings = f"['remote \"storage\"']\n    keyfile = {server.key}\n"
        (project.folder / ".dvc/config.local").write_text(settings)
        storage = tmp_path / "storage"
        add_remotes(project, server.make_url(tmp_path / "git"), server.make_url(storage), storage)
        monkeypatch.chdir(project.folder)
        source = find_source(on_this_machine=False)

        project.run("git", "clone", "--quiet", source.repository, str(tmp_path / "node"))
        (tmp_path / "node/.dvc/config.local").write_text(settings)
        monkeypatch.chdir(tmp_path / "node")
        task = make_task(configure(), source, 5.0, "trial-0", {"lr": 0.25})
        assert run_trial(task, Control(lambda *_: None, print, lambda: False)) == Outcome(
            "complete", -((0.25 - 0.3) ** 2)
        )

        monkeypatch.chdir(project.folder)
        fetch_experiments(source, "trial")
        assert project.run("git", "show", f"{task.ref}:params.yaml").stdout.startswith("lr: 0.25\n")
    assert assert_refs_have_data(tmp_path / "git", tmp_path / "storage") == ["trial-0"]
