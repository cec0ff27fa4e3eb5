"""The metrics of an epoch, as train prints and logs them."""

import math
from typing import TYPE_CHECKING, NamedTuple

from stages.shared.errors import StageError

if TYPE_CHECKING:
    from dvclive import Live


class Metrics(NamedTuple):
    """Mean loss and accuracy (0 to 1) over a set of images."""

    loss: float
    accuracy: float


class Epoch(NamedTuple):
    """Metrics of one epoch, numbered from 1.

    `train` is of the logits that the weights were updated from, during the epoch; `validation` is of its end, and None
    without a validation set.
    """

    number: int
    train: Metrics
    validation: Metrics | None

    @property
    def validation_loss(self) -> float:
        """The loss that patience compares; infinity without a validation set."""
        return self.validation.loss if self.validation else math.inf

    def check_finite(self) -> None:
        """Raise StageError if training has diverged."""
        if not all(math.isfinite(metrics.loss) for metrics in (self.train, self.validation) if metrics):
            validation = f", validation loss {self.validation.loss}" if self.validation else ""
            raise StageError(
                f"training diverged in epoch {self.number}: loss {self.train.loss}{validation}; choose a lower lr in "
                "params.yaml; make restore brings the last model back"
            )

    def describe(self, epochs: int) -> str:
        """Format the metrics as a line."""
        line = f"Epoch {self.number}/{epochs}: loss {self.train.loss:.4f}, accuracy {self.train.accuracy:.4f}"
        if self.validation:
            line += f"; validation loss {self.validation.loss:.4f}, accuracy {self.validation.accuracy:.4f}"
        return line

    def log(self, live: "Live", *, plot: bool = True) -> None:
        """Log the metrics to metrics.json and, with `plot`, to the curves."""
        live.step = self.number
        for name, metrics in (("train", self.train), ("validation", self.validation)):
            if metrics:
                live.log_metric(f"{name}/loss", metrics.loss, plot=plot)
                live.log_metric(f"{name}/accuracy", metrics.accuracy, plot=plot)
        live.make_summary()


UNTRAINED = Epoch(0, Metrics(math.inf, 0), None)
