"""Measure the throughput of matrix multiplication on one thread, from which the lower bound is computed.

The kernels are chosen by environment variables. The output is JSON: the highest throughput in floating-point operations
per second.

Run: OPENBLAS_CORETYPE=Haswell python -m bench.matmul_throughput numpy
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

SIZES = (512, 1024, 2048)
REPETITIONS = 10


def main() -> None:
    """Measure the products of a library."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=["numpy", "torch"])
    library = parser.parse_args().library
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when the library is imported
    print(json.dumps({"flops_per_second": measure_throughput(library, SIZES, REPETITIONS)}))


def measure_throughput(library: str, sizes: Sequence[int], repetitions: int) -> float:
    """Return the highest FLOP/s of square float32 matrices."""
    matmul, ones = import_library(library)
    throughputs = []
    for size in sizes:
        left, right, product = (ones(size) for _ in range(3))
        for _ in range(repetitions):
            start = time.perf_counter()
            matmul(left, right, out=product)
            throughputs.append(2 * size**3 / (time.perf_counter() - start))
    return max(throughputs)


def import_library(name: str) -> tuple[Callable[..., Any], Callable[[int], Any]]:
    """Return the product of matrices, and a function that makes a square one."""
    if name == "torch":
        import torch

        return torch.mm, lambda size: torch.ones(size, size)
    import numpy as np

    return np.matmul, lambda size: np.ones((size, size), np.float32)


if __name__ == "__main__":
    main()
