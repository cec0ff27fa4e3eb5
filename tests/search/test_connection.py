import pytest

from search import connection
from search.connection import connect, describe_risk
from search.errors import SearchError
from tests.search.daemons import find_free_port


@pytest.mark.parametrize(
    "address", ["local", "tcp://127.0.0.1:8786", "tcp://[::1]:8786", "tcp://localhost:1", "tls://a:1"]
)
def test_safe_address(address: str) -> None:
    assert describe_risk(address) is None


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.1:8786", "tcp://head:8786", "tcp://127.0.0.1.example.com:1", "ws://a:1"]
)
def test_address_that_runs_code_for_anyone(address: str) -> None:
    risk = f"{address} is not encrypted: whoever reaches this port can run code on all workers; use tls://"
    assert describe_risk(address) == risk


def test_rejects_encryption_without_certificate() -> None:
    error = r"^tls://a:1: no certificate is set for TLS; set distributed\.comm\.tls"
    with pytest.raises(SearchError, match=error), connect("tls://a:1", 1):
        pass


@pytest.mark.parametrize("scheme", ["tcp", "nonsense"])
def test_rejects_address_without_scheduler(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    address = f"{scheme}://127.0.0.1:{find_free_port()}"
    with pytest.raises(SearchError) as caught, connect(address, 1):
        pass
    assert str(caught.value).startswith(f"{address}: no scheduler answers (")
    assert str(caught.value).endswith("); start one: dask scheduler")
    assert "\n" not in str(caught.value)
