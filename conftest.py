"""Measure coverage in the processes of fast tests, and of those with the fixture `measured`: it doubles their time."""

import os

import pytest

VARIABLE = "COVERAGE_PROCESS_CONFIG"  # set by coverage's patch "subprocess"; a process without it is not measured
CONFIG = os.environ.get(VARIABLE)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Set or remove the variable of coverage, before fixtures copy the environment."""
    if item.get_closest_marker("slow") and "measured" not in getattr(item, "fixturenames", ()):
        os.environ.pop(VARIABLE, None)
    elif CONFIG is not None:
        os.environ[VARIABLE] = CONFIG
