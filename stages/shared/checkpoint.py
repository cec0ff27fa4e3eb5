"""A checkpoint: the state of a training after an epoch. A killed run resumes from it, with the same results.

`dvc-guard run --resume` gives the stage a folder for it: another one for other parameters, data or code. Without that
folder there are no checkpoints.
"""

import hashlib
import io
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch
from pydantic import TypeAdapter
from torch import Generator, Tensor, nn, optim
from torch.optim.lr_scheduler import LRScheduler
from tqdm import tqdm

from stages.shared.epoch import Epoch
from stages.shared.parameters import TrainParameters

FOLDER = "DVC_GUARD_RESUME"  # environment variable
SECONDS = 10.0  # at least, between two checkpoints
EPOCHS = TypeAdapter(list[Epoch])

Progress = tuple[list[Epoch], Epoch, dict[str, Tensor]]  # the epochs so far, the best one, and its weights


class Checkpoint:
    """Saves and loads the states of `parts` and of the random number generators."""

    def __init__(
        self, parameters: TrainParameters, generator: Generator, **parts: nn.Module | optim.Optimizer | LRScheduler
    ) -> None:
        """Use the folder of this run, if it has one."""
        folder = os.environ.get(FOLDER)
        self.path = Path(folder, "checkpoint") if folder else None
        # A checkpoint of another run, which someone copied, is not loaded.
        self.run = f"{folder and Path(folder).name} {torch.__version__} {parameters.model_dump_json()}"
        self.generators = {"default": torch.default_generator, "own": generator}
        self.parts = parts
        self.epochs = parameters.epochs
        self.saved = time.monotonic()

    def save(self, epochs: Sequence[Epoch], best: Epoch, weights: dict[str, Tensor]) -> None:
        """Save the states after the last of `epochs`, if the last checkpoint is old enough.

        A kill leaves the last checkpoint or the new one. Print a line if it cannot be written.
        """
        if not self.path or time.monotonic() - self.saved < SECONDS:
            return
        content = io.BytesIO()
        states = {
            "run": self.run,
            "epochs": EPOCHS.dump_python(list(epochs)),
            "best": best.number,
            "weights": weights,
            "generators": {name: generator.get_state() for name, generator in self.generators.items()},
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
        }
        torch.save(states, content)
        new = self.path.with_suffix(".new")
        try:
            with new.open("wb") as file:
                file.write(hashlib.sha256(content.getbuffer()).digest())
                file.write(content.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                new.unlink()  # it may fill the disk
            tqdm.write(f"{self.path}: cannot be written: {error.strerror}; training continues without a checkpoint")
        self.saved = time.monotonic()

    def load(self) -> Progress | None:
        """Load the checkpoint of this run, if there is one. Print a line if it is damaged or of another run."""
        if not self.path or not self.path.exists():
            return None
        content = self.path.read_bytes()
        digest, content = content[:32], content[32:]
        is_intact = hashlib.sha256(content).digest() == digest
        states = torch.load(io.BytesIO(content), weights_only=True) if is_intact else {}
        if states.get("run") != self.run:
            problem = "of another run" if is_intact else "damaged"
            tqdm.write(f"{self.path}: {problem}; training starts from the first epoch")
            return None
        for name, part in self.parts.items():
            part.load_state_dict(states["parts"][name])
        for name, generator in self.generators.items():
            generator.set_state(states["generators"][name])
        epochs = EPOCHS.validate_python(states["epochs"])
        tqdm.write(f"Resumed after epoch {len(epochs)} of {self.epochs}")
        return epochs, epochs[states["best"] - 1], states["weights"]
