"""Fixtures of the tests of all stages."""

from collections.abc import Iterator

import pytest
import threadpoolctl  # type: ignore[import-untyped]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute with one thread, as the stages do: the networks are small, and pytest-xdist uses the other cores."""
    with threadpoolctl.threadpool_limits(1):
        yield
