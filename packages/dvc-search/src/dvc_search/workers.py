"""The workers of a Dask cluster, which come and go: those with the versions that the search needs are used."""

from collections.abc import Iterator, Mapping

from distributed import Client, Future

from dvc_search.errors import SearchError
from dvc_search.events import Notice
from dvc_search.node import list_differences

SCHEDULER_ENDED = "the scheduler has ended; start it and its workers again, then the same command resumes"


class Workers:
    """The workers that can be used: number of trials at once, by address."""

    def __init__(self, client: Client, requirements: Mapping[str, str]) -> None:
        """Use the workers that have the versions in `requirements`."""
        self._client = client
        self._requirements = dict(requirements)
        self._checks: dict[str, Future[list[str]]] = {}  # whether a worker can be used: by address, until the answer
        self._known: set[str] = set()
        self.usable: dict[str, int] = {}

    def update(self) -> Iterator[Notice]:
        """Look for workers that have joined or left; yield why a worker is refused.

        Raises:
            SearchError: the scheduler does not answer.
        """
        threads = self._list_threads()
        for address in self._known - threads.keys():
            self._known.remove(address)
            self._checks.pop(address, None)
            self.usable.pop(address, None)
        for address in threads.keys() - self._known:
            self._known.add(address)
            self._checks[address] = self._client.submit(
                list_differences, self._requirements, workers=[address], allow_other_workers=False, pure=False
            )
        for address, check in list(self._checks.items()):
            if check.done():
                del self._checks[address]
                if differences := _get_differences(check):
                    yield Notice(f"worker {address} is refused: {', '.join(differences)}")
                else:
                    self.usable[address] = threads[address]

    def _list_threads(self) -> dict[str, int]:
        try:
            if self._client.status == "running":
                return dict(self._client.nthreads())
        except (OSError, RuntimeError, ValueError):
            pass
        raise SearchError(SCHEDULER_ENDED)


def _get_differences(check: Future[list[str]]) -> list[str]:
    try:
        return list(check.result(timeout=10))
    except Exception as error:  # noqa: BLE001 - whatever another Python raises
        return [f"it cannot run the search: {' '.join(f'{type(error).__name__}: {error}'.split())}"]
