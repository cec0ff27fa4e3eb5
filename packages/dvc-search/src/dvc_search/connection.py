"""Connect to a Dask cluster, or start one on this machine."""

import asyncio
import ipaddress
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client, LocalCluster, Security
from distributed.comm.core import connect as connect_to

from dvc_search.errors import SearchError
from dvc_search.node import find_versions, list_differences
from dvc_search.worker import IgnoreInterrupts
from dvc_search.workers import SCHEDULER_ENDED

LOCAL = "local"
ENCRYPTED = ("tls", "wss")
CONNECT_SECONDS = 5
WORKER_TTL = "60 s"  # a worker of this machine that is frozen for as long is given up


def describe_risk(address: str) -> str | None:
    """Return why the connection to a scheduler is not safe, or None if it is."""
    url = urlsplit(address)
    if address == LOCAL or url.scheme in ENCRYPTED or _is_loopback(url.hostname or ""):
        return None
    return f"{address} is not encrypted: whoever reaches this port can run code on all workers; use tls://"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(address: str) -> None:
    """Make sure that a scheduler answers at an address.

    Raises:
        SearchError: none does, within five seconds.
    """
    try:
        is_encrypted = urlsplit(address).scheme in ENCRYPTED
        arguments = Security().get_connection_args("client")
        if not is_encrypted or arguments["ssl_context"]:
            asyncio.run(_call(address, arguments))
            return
    except Exception as error:  # noqa: BLE001 - whatever is at that address
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise SearchError(f"{address}: no scheduler answers ({reason}); start one: dask scheduler") from None
    raise SearchError(f"{address}: no certificate is set for TLS; set distributed.comm.tls of Dask's configuration")


async def _call(address: str, arguments: dict[str, Any]) -> None:
    comm = await connect_to(address, timeout=CONNECT_SECONDS, **arguments)
    await comm.close()


@contextmanager
def connect(address: str, jobs: int) -> Iterator[Client]:
    """Connect to the scheduler at an address, or start a cluster of `jobs` processes on this machine.

    Raises:
        SearchError: no scheduler answers, or it cannot run the search.
    """
    for name in ("distributed", "distributed.client"):  # Dask sets the level of both
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with _start_local(jobs) if address == LOCAL else _connect_to(address) as client:
        yield client


@contextmanager
def _connect_to(address: str) -> Iterator[Client]:
    check_address(address)
    with Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client:
        _check_scheduler(client, address)
        try:
            yield client
        except Exception:
            if client.status == "running":
                raise
            raise SearchError(SCHEDULER_ENDED) from None


@contextmanager
def _start_local(jobs: int) -> Iterator[Client]:
    settings = {"distributed.scheduler.worker-ttl": WORKER_TTL}
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any free port, or a second search would warn
            memory_limit=None,  # of a worker, which needs little: trials are processes of their own
            security=Security.temporary(),  # other users of this machine reach the port
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.register_plugin(IgnoreInterrupts())
        yield client


def _check_scheduler(client: Client, address: str) -> None:
    """Make sure that the scheduler can run the search: tasks are deserialized there too.

    Raises:
        SearchError: dvc-search is not installed where it runs, or another version.
    """
    try:
        differences = client.run_on_scheduler(list_differences, find_versions("dvc-search", "distributed"))
    except Exception as error:  # noqa: BLE001 - whatever is raised there
        differences = [" ".join(f"{type(error).__name__}: {error}".split())]
    if differences:
        raise SearchError(f"{address}: the scheduler cannot run the search: {', '.join(differences)}")
