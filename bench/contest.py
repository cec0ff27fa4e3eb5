"""Contestants that train on the same work: the article's program, our loop, and our pipeline.

Each gets all 60,000 images, the same epochs, batches of 64 of which the last is smaller, and the number of the round as
its seed. Each gives what it took in seconds and the test accuracy it reached, by name.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.clone import Clone

Contestant = Callable[[int], dict[str, float]]

LEARNING_RATES = {"sgd": "0.01", "adam": "0.001"}  # the article's


class Contest:
    """A clone with the data, in which the contestants run; those that want fresh ones get them."""

    def __init__(self, folder: Path) -> None:
        """Prepare the data, as our stages and as torchvision want it."""
        self.folder = folder
        self.prepared = Clone.of_head(folder / "prepared", validation_size=0)
        self.prepared.run("dvc", "repro", "normalize")
        torchvision_folder = self.prepared.folder / "MNIST"
        torchvision_folder.mkdir()
        (torchvision_folder / "raw").symlink_to(self.prepared.folder / "data/raw")

    def article(self, optimizer: str, epochs: int, environment: Mapping[str, str]) -> Contestant:
        """Run the article's program."""
        command = ("python", "-m", "bench.article", ".", "--optimizer", optimizer, "--epochs", str(epochs))

        def contestant(seed: int) -> dict[str, float]:
            run = self.prepared.run(*command, "--seed", str(seed), **environment)
            return {"whole": run.seconds, **run.report()}

        return contestant

    def loop(self, optimizer: str, epochs: int, numerics: str) -> Contestant:
        """Run our training loop."""
        options = ("--optimizer", optimizer, "--lr", LEARNING_RATES[optimizer], "--epochs", str(epochs))
        command = ("python", "-m", "bench.loop", "data/normalized", "--numerics", numerics, *options)
        return lambda seed: self.prepared.run(*command, "--seed", str(seed)).report()

    def repro(self, epochs: int) -> Contestant:
        """Run `dvc repro` in a fresh clone."""

        def contestant(seed: int) -> dict[str, float]:
            clone = Clone.of_head(self.folder / f"fresh-{seed}", validation_size=0, epochs=epochs, seed=seed)
            return {"whole": clone.run("dvc", "repro").seconds, "accuracy": read_accuracy(clone)}

        return contestant

    def experiment(self, seed: int) -> dict[str, float]:
        """Run an experiment with Adam in the clone that `repro` has left, once that is committed."""
        clone = Clone(self.folder / f"fresh-{seed}")
        clone.commit()
        run = clone.run("dvc", "exp", "run", "-S", "optimizer=adam", "-S", f"lr={LEARNING_RATES['adam']}")
        return {"whole": run.seconds, "accuracy": read_accuracy(clone)}

    def matrix_rate(self, _seed: int) -> dict[str, float]:
        """Measure how fast this processor multiplies matrices."""
        rate: dict[str, float] = self.prepared.run("python", "-m", "bench.matrix_rate").report()
        return rate


def read_accuracy(clone: Clone) -> float:
    """Read the test accuracy of the last run of the pipeline."""
    accuracy: float = json.loads((clone.folder / "metrics/metrics.json").read_text())["accuracy"]
    return accuracy
