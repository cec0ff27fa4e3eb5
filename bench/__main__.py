"""Compare the pipeline with what a user would write instead, and write bench/RESULTS.md.

Each round runs all programs one after the other, on one core, with the number of the round as the seed. The ratios are
of the medians over the rounds; in parentheses, the smallest and the largest ratio of a round: below 1, the first is
faster. Run it on an otherwise idle machine, by `make bench`; it takes half an hour.

Run: python -m bench [--rounds 5] [--epochs 10]
"""

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from ruamel.yaml import YAML

from bench.process import Clone, Run
from bench.report import format_results

RESULTS = Path(__file__).parent / "RESULTS.md"
LEARNING_RATES = {"sgd": "0.01", "adam": "0.001"}  # as in the tutorial

Values = dict[str, list[float]]  # by program, one for each round


def main() -> None:
    """Measure, write the results and print them."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="at least 2 (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=10, help="at least 2 (default: %(default)s)")
    arguments = parser.parse_args()
    if not os.environ.get("MNIST_MIRROR"):
        parser.error("MNIST_MIRROR is not set; set it to a local mirror, so that downloads are not measured")
    if min(arguments.rounds, arguments.epochs) < 2:
        parser.error("--rounds and --epochs must be at least 2")
    with tempfile.TemporaryDirectory() as folder:
        text = measure(Path(folder), arguments.rounds, arguments.epochs)
    RESULTS.write_text(text, encoding="utf-8")
    print(text, end="")


def measure(folder: Path, rounds: int, epochs: int) -> str:
    """Run all programs in interleaved rounds; return the text of RESULTS.md."""
    loops, wholes, accuracies, memory = (defaultdict[str, list[float]](list) for _ in range(4))
    prepared = Clone(folder / "prepared", validation_size=0, epochs=epochs)
    prepared.run("dvc", "repro", "normalize")
    (prepared.folder / "MNIST").mkdir()  # as torchvision expects it
    (prepared.folder / "MNIST/raw").symlink_to(prepared.folder / "data/raw")
    programs = build_programs(prepared, epochs)
    for number in range(rounds):
        for name, program in programs.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            run = program(number)
            wholes[name].append(run.seconds)
            loops[name].append(run.get_epoch_seconds(epochs))
            accuracies[name].append(run.report["accuracy"])
        for optimizer, lr in LEARNING_RATES.items():
            for numerics in ("native", "portable"):
                name = f"stage train, {numerics}, {optimizer}"
                print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
                prepared.set_parameters(seed=number, optimizer=optimizer, lr=lr, numerics=numerics)
                loops[name].append(prepared.run("python", "-m", "stages.train").get_epoch_seconds(epochs))
        print(f"round {number + 1} of {rounds}: dvc", file=sys.stderr, flush=True)
        measure_dvc(folder / f"fresh-{number}", number, epochs, wholes, accuracies)
    stages = Clone(folder / "stages", epochs=2)
    for stage in YAML(typ="safe").load(stages.folder / "dvc.yaml")["stages"]:
        memory[stage].append(stages.run("python", "-m", f"stages.{stage}").megabytes)
    return format_results(loops, wholes, accuracies, memory)


def build_programs(clone: Clone, epochs: int) -> dict[str, Callable[[int], Run]]:
    """Return the programs to compare with; each takes the seed."""

    def build(optimizer: str, program: str, data: str) -> Callable[[int], Run]:
        command = ("python", "-m", f"bench.programs.{program}", data, optimizer, str(epochs))
        return lambda seed: clone.run(*command, str(seed), OMP_NUM_THREADS="1")

    return {
        "plain script, sgd": build("sgd", "plain", "data/raw"),
        "plain script, adam": build("adam", "plain", "data/raw"),
        "tutorial, sgd": build("sgd", "tutorial", "."),
        "Lightning, sgd": build("sgd", "lightning_fit", "."),
        "scikit-learn, sgd": build("sgd", "sklearn_mlp", "data/raw"),
        "JAX, sgd": build("sgd", "jax_scan", "data/raw"),
    }


def measure_dvc(folder: Path, seed: int, epochs: int, wholes: Values, accuracies: Values) -> None:
    """Run `dvc repro` and an experiment in a fresh clone, and what a user waits for beside the training."""
    clone = Clone(folder, validation_size=0, epochs=epochs, seed=seed)
    wholes["`dvc repro`"].append(clone.run("dvc", "repro").seconds)
    accuracies["`dvc repro`"].append(read_accuracy(clone))
    clone.commit()
    wholes["`dvc repro` of an up-to-date pipeline"].append(clone.run("dvc", "repro").seconds)
    changes = ("-S", "optimizer=adam", "-S", "lr=0.001")
    wholes["`dvc exp run` with Adam"].append(clone.run("dvc", "exp", "run", *changes).seconds)
    accuracies["`dvc exp run` with Adam"].append(read_accuracy(clone))
    wholes["`dvc exp run -S epochs=1`"].append(clone.run("dvc", "exp", "run", "-S", "epochs=1").seconds)
    wholes["`import torch`"].append(clone.run("python", "-c", "import torch").seconds)


def read_accuracy(clone: Clone) -> float:
    """Read the test accuracy, from 0 to 1."""
    return float(json.loads((clone.folder / "metrics/metrics.json").read_text())["accuracy"])


if __name__ == "__main__":
    main()
