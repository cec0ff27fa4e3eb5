"""Benchmark of our training against the fastest that is possible: JAX, and the time of the matrix multiplications.

All run on one core. The time of the multiplications is a lower bound: their floating-point operations at the highest
rate of any kernel for this processor, or, for portable numerics, of any AVX2 kernel.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from bench.comparison import Row, compare
from bench.programs import ALL_KERNELS, AVX2_KERNELS, Programs
from bench.runner import ROUNDS, interleave
from bench.training import EPOCHS, IMAGES, Results, column, compare_seconds

LAYER_SIZES = (784, 128, 64, 10)
KERNELS = {"native": "any kernel", "portable": "any AVX2 kernel"}


def measure(folder: Path, rounds: int = ROUNDS, epochs: int = EPOCHS) -> list[Row]:
    """Run all programs in interleaved rounds."""
    programs = Programs(folder, epochs)
    results = interleave(
        {
            "jax": programs.jax(epochs),
            "native": programs.training_loop("sgd", epochs, "native"),
            "any kernel": programs.matmul_throughput(ALL_KERNELS),
            "portable": programs.training_loop("sgd", epochs, "portable"),
            "any AVX2 kernel": programs.matmul_throughput(AVX2_KERNELS),
            "stage train": programs.stage_train,
            "scikit-learn": programs.sklearn(epochs),
        },
        rounds,
    )
    return [
        *compare_with_jax(results),
        *(compare_with_lower_bound(results, numerics, epochs) for numerics in KERNELS),
    ]


def compare_with_jax(results: Results) -> list[Row]:
    """Build the rows whose reference is JAX's program."""
    targets = {"native": 1.6, "portable": None, "scikit-learn": None}
    loop = "training loop, sgd, {}, against JAX's without its compilation"
    process = "stage `train` without DVC, against JAX's program with imports, reading and compilation"
    compilation, training = (column(results, "jax", f"{kind}_seconds") for kind in ("compile", "training"))
    return [
        *(
            compare_seconds(loop.format(name), results, "training", name, "jax", at_most)
            for name, at_most in targets.items()
        ),
        compare("JAX's compilation, against its training loop", compilation, training, "s"),
        compare_seconds(process, results, "process", "stage train", "jax", at_most=0.9),
    ]


def compare_with_lower_bound(results: Results, numerics: str, epochs: int) -> Row:
    """Build the row of a loop, reference: the time of its matrix multiplications at the round's highest rate."""
    rates = column(results, KERNELS[numerics], "flops_per_second")
    flop = epochs * IMAGES * count_flop(LAYER_SIZES)
    return compare(
        f"training loop, sgd, {numerics}, against matrix multiplication time, the lower bound "
        f"({flop / 1e9:.0f} GFLOP at {max(rates) / 1e9:.0f} GFLOP/s, {KERNELS[numerics]})",
        column(results, numerics, "training_seconds"),
        [flop / rate for rate in rates],
        "s",
        at_most=1.6 if numerics == "portable" else None,
    )


def count_flop(layer_sizes: Sequence[int]) -> int:
    """Count the floating-point operations per image, forward and backward, without biases and ReLU.

    Each layer needs three matrix multiplications: forward, gradient of the weights, and gradient of the input; the
    first layer needs no gradient of the input.
    """
    multiplications = [inputs * outputs for inputs, outputs in pairwise(layer_sizes)]
    return 2 * (3 * sum(multiplications) - multiplications[0])
