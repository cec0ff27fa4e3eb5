import pytest

from bench.matmul_throughput import measure_throughput


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_measure_throughput(library: str) -> None:
    assert 1e8 < measure_throughput(library, (8, 256), repetitions=3) < 1e14
