"""A fixture that makes tests of `dvc-guard reproduce` fast."""

import pytest
from dvc.repo import Repo


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run pipelines of clones in this process; test_reproduce.py also runs them as `reproduce` does."""

    def run() -> None:
        with Repo() as repo:
            repo.reproduce(all_pipelines=True, force=True, run_cache=False)

    monkeypatch.setattr("dvc_guard.checks.reproduce.run_pipeline", run)
