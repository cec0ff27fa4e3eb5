"""Train and test the tutorial's network with Lightning and its usual `DataLoader`.

The last line of the output is JSON: the seconds of `Trainer.fit`, and the test accuracy.

Run: python -m bench.programs.lightning_fit FOLDER sgd 10 0    (as bench.programs.tutorial)
"""

import json
import logging
import sys
import time
import warnings

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from stages.download import declare_missing_operators

declare_missing_operators()
import lightning  # noqa: E402
from torchvision import datasets, transforms  # noqa: E402

folder, name, epochs, seed = sys.argv[1:]
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")  # that more workers could load the data, for one
lightning.seed_everything(int(seed), verbose=False)
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
train_loader, test_loader = (
    DataLoader(datasets.MNIST(folder, train=train, transform=transform), batch_size=64, shuffle=train)
    for train in (True, False)
)


class Classifier(lightning.LightningModule):  # type: ignore[misc, unused-ignore]  # not installed by make test
    """The tutorial's network, loss and optimizers."""

    def __init__(self) -> None:
        """Create the layers."""
        super().__init__()
        layers = [nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)]
        self.network = nn.Sequential(nn.Flatten(), *layers)

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Compute the loss of a batch."""
        images, labels = batch
        loss = functional.cross_entropy(self.network(images), labels)
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def test_step(self, batch: tuple[Tensor, Tensor]) -> None:
        """Log the accuracy of a batch."""
        images, labels = batch
        self.log("accuracy", (self.network(images).argmax(dim=1) == labels).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Build the optimizer."""
        parameters = self.parameters()
        return torch.optim.Adam(parameters, lr=0.001) if name == "adam" else torch.optim.SGD(parameters, lr=0.01)


trainer = lightning.Trainer(
    max_epochs=int(epochs),
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
classifier = Classifier()
start = time.perf_counter()
trainer.fit(classifier, train_loader)
seconds = time.perf_counter() - start
[result] = trainer.test(classifier, test_loader, verbose=False)
print(json.dumps({"training_seconds": seconds, "accuracy": result["accuracy"]}))
