import time

import pytest

from runtime.errors import StageError
from stages.download import probe, transfer
from tests.stages.download import faults
from tests.stages.download.conftest import Files, SetMirrors, list_data
from tests.stages.download.mirror import Mirror, run_mirror


def test_succeeds_without_waiting_for_other_mirrors(set_mirrors: SetMirrors, good: Mirror, archives: Files) -> None:
    with run_mirror(archives, dict.fromkeys(archives, faults.stall)) as silent:
        set_mirrors(silent.url, good.url)
        started = time.monotonic()
        probe.main()
        assert time.monotonic() - started < 3 < transfer.SILENCE_SECONDS
        while not silent.requests:  # the request may be on its way
            assert time.monotonic() - started < 60
            time.sleep(0.01)
    assert list_data() == []


def test_fails_after_timeout(set_mirrors: SetMirrors, archives: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PROBE_SECONDS", 0.5)
    with run_mirror(archives, dict.fromkeys(archives, faults.stall)) as silent, run_mirror({}) as empty:
        set_mirrors(empty.url, silent.url)
        started = time.monotonic()
        with pytest.raises(StageError, match=r"404: Not Found.*too slow.*without a network") as error:
            probe.main()
        assert time.monotonic() - started < 3 < transfer.SILENCE_SECONDS
    assert error.value.status == transfer.NO_MIRROR == 3


def test_fails_without_waiting_if_all_mirrors_fail(set_mirrors: SetMirrors) -> None:
    with run_mirror({}) as empty:
        set_mirrors(empty.url, empty.url)
        started = time.monotonic()
        with pytest.raises(StageError, match="404: Not Found") as error:
            probe.main()
        assert time.monotonic() - started < 4 < transfer.PROBE_SECONDS
    assert error.value.status == transfer.NO_MIRROR


def test_needs_no_mirror_for_digits(set_mirrors: SetMirrors) -> None:
    set_mirrors(dataset="digits")
    probe.main()
    assert list_data() == []
