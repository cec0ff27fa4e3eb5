"""The training programs that are compared: the tutorial's, our training loop, and our pipeline.

Each trains on all 60,000 images, for the same number of epochs, in batches of 64 (the last one is smaller), with the
number of the round as the seed.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.clone import Clone

Program = Callable[[int], dict[str, float]]  # takes the seed, returns times in seconds and the test accuracy, by name

LEARNING_RATES = {"sgd": "0.01", "adam": "0.001"}  # as in the tutorial


class Programs:
    """Runs the programs in a clone that contains the data, or in a fresh clone for each round."""

    def __init__(self, folder: Path) -> None:
        """Prepare the data for our training loop and for torchvision, in a clone below `folder`."""
        self.folder = folder
        self.prepared = Clone.of_head(folder / "prepared", validation_size=0)
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
        return lambda seed: self.prepared.run(*command, "--seed", str(seed)).parse_report()

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

    def matmul_throughput(self, _seed: int) -> dict[str, float]:
        """Measure matrix multiplication; it reports flops_per_second and size."""
        report: dict[str, float] = self.prepared.run("python", "-m", "bench.matmul_throughput").parse_report()
        return report


def read_accuracy(clone: Clone) -> float:
    """Read the test accuracy, from 0 to 1, from metrics/metrics.json."""
    accuracy: float = json.loads((clone.folder / "metrics/metrics.json").read_text())["accuracy"]
    return accuracy
