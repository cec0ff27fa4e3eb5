"""Git commands in a given repository."""

import os
import subprocess
from pathlib import Path

from dvc_search.errors import GitError

TIMEOUT_SECONDS = 600


def git(folder: Path, *arguments: str) -> str:
    """Run a Git command in `folder` and return its standard output, without the line break at its end.

    Raises:
        GitError: it failed, or did not end within ten minutes.
    """
    try:
        process = subprocess.run(  # noqa: S603 - no shell
            ["git", *arguments],  # noqa: S607
            cwd=folder,
            env=_build_environment(folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]}: no answer within {TIMEOUT_SECONDS} s") from None
    if process.returncode:
        raise GitError(f"git {arguments[0]}: {_find_error(process.stderr)}")
    return process.stdout.rstrip("\n")


def try_git(folder: Path, *arguments: str) -> str | None:
    """Run a Git command in `folder` and return its standard output, or None if it failed."""
    try:
        return git(folder, *arguments)
    except GitError:
        return None


def _build_environment(folder: Path) -> dict[str, str]:
    """Return the environment of Git: in English, without prompts, with the user's own ssh command if there is one."""
    environment = {name: value for name, value in os.environ.items() if name != "GIT_DIR"}
    if "GIT_SSH_COMMAND" not in environment and not _has_ssh_command(folder, environment):
        environment["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes"
    return {"GIT_TERMINAL_PROMPT": "0"} | environment | {"LANGUAGE": "en"}


def _has_ssh_command(folder: Path, environment: dict[str, str]) -> bool:
    command = ["git", "config", "core.sshCommand"]
    return not subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode  # noqa: S603 - no shell


def _find_error(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    first = ("! [", "fatal:", "error:", "remote:")
    found = next((line for start in first for line in lines if line.startswith(start)), "")
    return found or (lines[-1] if lines else "no error was printed")
