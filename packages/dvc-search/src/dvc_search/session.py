"""Connect to the cluster, and run the trials until they have ended or Ctrl-C is pressed."""

import argparse
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType

from dvc_search.cluster import Cluster
from dvc_search.configuration import Configuration
from dvc_search.connection import connect, describe_risk
from dvc_search.driver import Driver
from dvc_search.node import list_requirements
from dvc_search.options import LOCAL
from dvc_search.progress import Progress
from dvc_search.repository import Source, is_recorded, make_task
from dvc_search.study import Study
from dvc_search.workers import Workers


def run_trials(
    configuration: Configuration, options: argparse.Namespace, source: Source, study: Study, progress: Progress
) -> Driver:
    """Connect to the cluster and run the trials; return the driver, which says why it has ended."""
    if risk := describe_risk(options.on):
        progress.print(f"warning: {risk}")
    with connect(options.on, options.jobs) as client:
        if not client.nthreads():
            progress.print(f"waiting for workers; on each: dask worker {options.on} --nthreads 1")
        cluster = Cluster(client, Workers(client, list_requirements()))
        threads = max(1, (os.cpu_count() or 1) // options.jobs) if options.on == LOCAL else None
        describe = partial(make_task, configuration, source, options.patience, configuration.threads or threads)
        driver = Driver(study, cluster, describe, partial(is_recorded, source), progress, configuration.timeout)
        with _counting_interrupts(driver, progress):
            driver.run()
    return driver


@contextmanager
def _counting_interrupts(driver: Driver, progress: Progress) -> Iterator[None]:
    """Let Ctrl-C end the search: once after the running trials, twice without them, three times at once."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        driver.interrupts += 1
        if driver.interrupts > 2:
            raise KeyboardInterrupt
        texts = "running trials end; Ctrl-C again stops them", "stopping the running trials"
        progress.print(texts[driver.interrupts - 1])

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
