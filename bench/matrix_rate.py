"""How fast this processor multiplies matrices on one thread: no training of the network can be faster than that.

Prints, as JSON, the highest rate seen, in floating-point operations a second, and the matrices' size.

Run: python -m bench.matrix_rate
"""

import json
import time
from collections.abc import Sequence

from stages.shared import numerics

SIZES = (512, 1024, 2048)
REPETITIONS = 10


def main() -> None:
    """Measure in native numerics."""
    numerics.pin("native")
    rate, size = measure_rate(SIZES, REPETITIONS)
    print(json.dumps({"rate": rate, "size": size}))


def measure_rate(sizes: Sequence[int], repetitions: int) -> tuple[float, int]:
    """Return the highest rate of torch.mm on square float32 matrices, and the size that gave it."""
    import torch  # only now: it takes the pin as it is loaded

    rates = []
    for size in sizes:
        one, other, product = (torch.rand(size, size) for _ in range(3))
        for _ in range(repetitions):
            begin = time.perf_counter()
            torch.mm(one, other, out=product)
            rates.append((2 * size**3 / (time.perf_counter() - begin), size))
    return max(rates)


if __name__ == "__main__":
    main()
