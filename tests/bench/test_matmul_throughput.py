from bench.matmul_throughput import measure_throughput


def test_measure_throughput() -> None:
    flops_per_second, size = measure_throughput((8, 256), repetitions=3)
    assert 1e8 < flops_per_second < 1e14
    assert size == 256
