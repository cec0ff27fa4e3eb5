"""Trials on a Dask cluster: which worker runs each, and what becomes of it."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple
from uuid import uuid4

from distributed import Client, Event, Future

from dvc_search import events
from dvc_search.task import Outcome, Task
from dvc_search.worker import run_task
from dvc_search.workers import Workers

RESULT_SECONDS = 10


class _Value(NamedTuple):
    step: int
    value: float


class _Attempt(NamedTuple):
    name: str
    worker: str
    future: Future[Outcome]


class Cluster:
    """Runs each trial on a worker that it chooses. A trial whose worker has ended is reported as lost.

    A worker on whose machine the disk was full is chosen again only if there is no other.
    """

    def __init__(self, client: Client, workers: Workers) -> None:
        """Use these workers."""
        self._client = client
        self._workers = workers
        self._topic = f"search-{uuid4().hex}"
        self._messages: SimpleQueue[tuple[str, _Value | None]] = (
            SimpleQueue()
        )  # by key of an attempt; None: it has ended
        self._running: dict[str, _Attempt] = {}
        self._unable: set[str] = set()  # workers whose machine could not run a trial
        client.subscribe_topic(self._topic, self._receive)

    def has_free_worker(self) -> bool:
        """Return whether a trial can be started."""
        return self._find_free_worker() is not None

    def start(self, task: Task) -> None:
        """Start a trial on a free worker."""
        worker = self._find_free_worker()
        key = f"{task.name}-{uuid4().hex}"
        future = self._client.submit(
            run_task, task, key, self._topic, key=key, workers=[worker], allow_other_workers=False, pure=False
        )
        self._running[key] = _Attempt(task.name, worker or "", future)
        future.add_done_callback(lambda _: self._messages.put((key, None)))

    def stop(self, name: str) -> None:
        """Ask a trial to stop; it ends with the outcome `stopped`, unless it has ended before."""
        for key, attempt in self._running.items():
            if attempt.name == name:
                Event(key, self._client).set()

    def wait(self, seconds: float) -> Iterator[events.Event]:
        """Yield what has happened; wait for it that many seconds at most.

        Raises:
            SearchError: the scheduler does not answer.
        """
        yield from self._workers.update()
        yield from self._give_up_lost()
        timeout = seconds
        while True:
            try:
                key, message = self._messages.get(timeout=timeout)
            except Empty:
                return
            timeout = 0.001
            if key not in self._running:  # of an attempt that was given up
                continue
            if message is None:
                yield self._finish(self._running.pop(key))
            elif isinstance(message, str):
                yield events.Notice(f"{self._running[key].name}  {message}")
            else:
                yield events.Reported(self._running[key].name, *message)

    def _receive(self, event: tuple[float, Any]) -> None:
        key, *content = event[1]
        self._messages.put((key, content[0] if len(content) == 1 else _Value(*content)))

    def _find_free_worker(self) -> str | None:
        load = Counter(attempt.worker for attempt in self._running.values())
        usable = self._workers.usable
        addresses = [address for address in usable if address not in self._unable] or usable
        free = [address for address in addresses if load[address] < usable[address]]
        return min(free, key=lambda address: load[address], default=None)

    def _give_up_lost(self) -> Iterator[events.Lost]:
        for key, attempt in list(self._running.items()):
            if attempt.worker not in self._workers.usable and not attempt.future.done():
                del self._running[key]
                attempt.future.cancel()
                yield events.Lost(attempt.name, f"its worker {attempt.worker} has ended")

    def _finish(self, attempt: _Attempt) -> events.Event:
        try:
            outcome = attempt.future.result(timeout=RESULT_SECONDS)
        except CancelledError:
            return events.Lost(attempt.name, "the scheduler has lost it")
        except Exception as error:  # noqa: BLE001 - whatever was raised on the worker
            return events.Lost(attempt.name, " ".join(f"{type(error).__name__}: {error}".split()))
        if outcome.state == "unable":
            self._unable.add(attempt.worker)
            outcome = replace(outcome, error=f"{outcome.error} (worker {attempt.worker})")
        return events.Ended(attempt.name, outcome)
