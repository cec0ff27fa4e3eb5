"""Measure the throughput of matrix multiplication on one thread, from which the lower bound is computed.

The output is JSON: the highest throughput in floating-point operations per second, and the matrix size.

Run: python -m bench.matmul_throughput
"""

import json
import time
from collections.abc import Sequence

from stages.shared import numerics

SIZES = (512, 1024, 2048)
REPETITIONS = 10


def main() -> None:
    """Measure with native numerics."""
    numerics.pin("native")
    flops_per_second, size = measure_throughput(SIZES, REPETITIONS)
    print(json.dumps({"flops_per_second": flops_per_second, "size": size}))


def measure_throughput(sizes: Sequence[int], repetitions: int) -> tuple[float, int]:
    """Return the highest FLOP/s of torch.mm on square float32 matrices, and the size with which it was reached."""
    import torch  # imported here because torch reads the settings of `numerics.pin` when it is imported

    measurements = []
    for size in sizes:
        left, right, product = (torch.rand(size, size) for _ in range(3))
        for _ in range(repetitions):
            start = time.perf_counter()
            torch.mm(left, right, out=product)
            measurements.append((2 * size**3 / (time.perf_counter() - start), size))
    return max(measurements)


if __name__ == "__main__":
    main()
