"""What the search runs on the workers of Dask."""

import contextlib
import os
import signal
import threading
from dataclasses import replace

from distributed import Event, Worker, WorkerPlugin, get_client, get_worker

from dvc_search.task import Control, Outcome, Task
from dvc_search.trial import run_trial

STOP_CHECK_SECONDS = 5


class IgnoreInterrupts(WorkerPlugin):
    """Ignore Ctrl-C on a terminal, which all processes started there get: the search ends its workers itself."""

    name = "ignore-interrupts"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002
        """Ignore SIGINT from now on."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def run_task(task: Task, key: str, topic: str) -> Outcome:
    """Run a trial. Its values and lines for the user are events of `topic`; the event `key` stops it."""
    worker = get_worker()
    should_stop, has_ended = threading.Event(), threading.Event()
    stop = Event(key, get_client())
    threading.Thread(target=_wait_for_stop, args=[stop, should_stop, has_ended], daemon=True).start()
    control = Control(
        report=lambda step, value: worker.log_event(topic, (key, step, value)),
        notify=lambda text: worker.log_event(topic, (key, text)),
        should_stop=should_stop.is_set,
    )
    try:
        threads = task.threads or max(1, (os.cpu_count() or 1) // worker.state.nthreads)
        return run_trial(replace(task, threads=threads), control)
    finally:
        has_ended.set()


def _wait_for_stop(stop: Event, should_stop: threading.Event, has_ended: threading.Event) -> None:
    with contextlib.suppress(Exception):  # the scheduler has ended: nobody can ask the trial to stop
        while not has_ended.is_set():
            if stop.wait(STOP_CHECK_SECONDS):
                should_stop.set()
                return
