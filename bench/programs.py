"""The training programs that are compared: the tutorial's, our training loop, and our pipeline.

Each trains on all 60,000 images, for the same number of epochs, in batches of 64 (the last one is smaller), with the
number of the round as the seed.
"""

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.clone import ROOT, Clone
from bench.runner import CommandError, Run

Program = Callable[[int], dict[str, float]]  # takes the seed, returns times in seconds and the test accuracy, by name

LEARNING_RATES = {"sgd": "0.01", "adam": "0.001"}  # as in the tutorial
JAX_PYTHON = ROOT / ".venv-jax/bin/python"  # made by `make bench`

# Kernels that multiply matrices: a library, and the environment variables that choose its kernels.
AVX2_KERNELS = [
    ("numpy", {"OPENBLAS_CORETYPE": "Haswell"}),
    ("numpy", {"OPENBLAS_CORETYPE": "Zen"}),
    ("torch", {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}),
]
ALL_KERNELS = [
    *AVX2_KERNELS,
    ("torch", {}),
    *[("numpy", {"OPENBLAS_CORETYPE": name}) for name in ("SkylakeX", "Cooperlake", "SapphireRapids")],
]


class Programs:
    """Runs the programs in a clone that contains the data, or in a fresh clone for each round."""

    def __init__(self, folder: Path, epochs: int) -> None:
        """Prepare the data for our training loop and for torchvision, in a clone below `folder`."""
        self.folder = folder
        self.prepared = Clone.of_head(folder / "prepared", validation_size=0, epochs=epochs)
        self.prepared.run("dvc", "repro", "normalize")
        torchvision_folder = self.prepared.folder / "MNIST"
        torchvision_folder.mkdir()
        (torchvision_folder / "raw").symlink_to(self.prepared.folder / "data/raw")

    def tutorial(self, optimizer: str, epochs: int, environment: Mapping[str, str]) -> Program:
        """Return the tutorial's program; it reports process_seconds, training_seconds and accuracy."""
        command = ("python", "-m", "bench.tutorial", ".", "--optimizer", optimizer, "--epochs", str(epochs))

        def program(seed: int) -> dict[str, float]:
            run = self.prepared.run(*command, "--seed", str(seed), **environment)
            return {"process_seconds": run.seconds, **run.parse_report()}

        return program

    def training_loop(self, optimizer: str, epochs: int, numerics: str) -> Program:
        """Return our training loop; it reports training_seconds and accuracy."""
        options = ("--optimizer", optimizer, "--lr", LEARNING_RATES[optimizer], "--epochs", str(epochs))
        command = ("python", "-m", "bench.training_loop", "data/normalized", "--numerics", numerics, *options)
        return lambda seed: self.run_on_one_core(*command, "--seed", str(seed)).parse_report()

    def repro(self, epochs: int) -> Program:
        """Return `dvc repro` in a fresh clone; it reports process_seconds and accuracy."""

        def program(seed: int) -> dict[str, float]:
            clone = Clone.of_head(self.folder / f"fresh-{seed}", validation_size=0, epochs=epochs, seed=seed)
            return {"process_seconds": clone.run("dvc", "repro").seconds, "accuracy": read_accuracy(clone)}

        return program

    def experiment(self, seed: int) -> dict[str, float]:
        """Run `dvc exp run` with Adam in the clone of the same round's `repro`; it reports the same values."""
        clone = Clone(self.folder / f"fresh-{seed}")
        clone.commit()
        run = clone.run("dvc", "exp", "run", "-S", "optimizer=adam", "-S", f"lr={LEARNING_RATES['adam']}")
        return {"process_seconds": run.seconds, "accuracy": read_accuracy(clone)}

    def stage_train(self, _seed: int) -> dict[str, float]:
        """Run the stage train without DVC, on one core; it reports process_seconds."""
        return {"process_seconds": self.run_on_one_core("python", "-m", "stages.train").seconds}

    def jax(self, epochs: int) -> Program:
        """Return JAX's program, on one core; it reports process_, training_ and compile_seconds, and accuracy."""
        return self.program_on_one_core(str(JAX_PYTHON), "bench/jax_program.py", epochs=epochs)

    def sklearn(self, epochs: int) -> Program:
        """Return scikit-learn's program, on one core; it reports process_seconds, training_seconds and accuracy."""
        return self.program_on_one_core("python", "-m", "bench.sklearn_program", epochs=epochs)

    def program_on_one_core(self, *command: str, epochs: int) -> Program:
        """Return a program with the options that JAX's and scikit-learn's have."""

        def program(seed: int) -> dict[str, float]:
            options = ("data/normalized", "--epochs", str(epochs), "--seed", str(seed))
            run = self.run_on_one_core(*command, *options)
            return {"process_seconds": run.seconds, **run.parse_report()}

        return program

    def run_on_one_core(self, *command: str, **environment: str) -> Run:
        """Run a command that cannot use more than one core."""
        core = max(os.sched_getaffinity(0))
        return self.prepared.run("taskset", "--cpu-list", str(core), *command, **environment)

    def matmul_throughput(self, kernels: list[tuple[str, dict[str, str]]]) -> Program:
        """Return a measurement of matrix multiplication; it reports flops_per_second of the fastest kernels."""

        def program(_seed: int) -> dict[str, float]:
            rates = [self.measure_kernels(library, environment) for library, environment in kernels]
            return {"flops_per_second": max(rates)}

        return program

    def measure_kernels(self, library: str, environment: Mapping[str, str]) -> float:
        """Return FLOP/s, 0 if this processor does not have the instructions of these kernels."""
        try:
            run = self.run_on_one_core("python", "-m", "bench.matmul_throughput", library, **environment)
        except CommandError as error:
            if error.status != -signal.SIGILL:
                raise
            return 0
        return float(run.parse_report()["flops_per_second"])


def read_accuracy(clone: Clone) -> float:
    """Read the test accuracy, from 0 to 1, from metrics/metrics.json."""
    accuracy: float = json.loads((clone.folder / "metrics/metrics.json").read_text())["accuracy"]
    return accuracy
