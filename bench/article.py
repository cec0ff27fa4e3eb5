"""The article's program, as a reader of the tutorial would write it: what our training is measured against.

It differs from the article's listings in this: the data set is there already, which spares it the download; loaders,
of which the article gives only the names; a seed; the clock around its training loop, and a last line with what that
came to. Importing the cure for torchvision costs it 0.2 s.

Run: python -m bench.article FOLDER --optimizer sgd    (FOLDER has MNIST/raw, as torchvision lays it out)
"""

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader

from stages.download.__main__ import declare_missing_operators

declare_missing_operators()
from torchvision import datasets, transforms  # noqa: E402

Batches = Iterable[tuple[Tensor, Tensor]]


class Net(nn.Module):
    """The article's network."""

    def __init__(self) -> None:
        """Draw the weights."""
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, 64)
        self.fc3 = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits, of shape (n, 10)."""
        x = x.view(x.size(0), -1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        logits: Tensor = self.fc3(x)
        return logits


class Loaders(NamedTuple):
    """The batches of both halves of the data set, drawn anew by each loop."""

    train: Batches
    test: Batches


def main() -> None:
    """Train, test, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    loaders = load_data(arguments.folder)
    net = Net()
    optimizer = build_optimizer(net, arguments.optimizer)
    begin = time.perf_counter()
    train(net, optimizer, loaders.train, arguments.epochs)
    seconds = time.perf_counter() - begin
    accuracy = test(net, loaders.test)
    print(f"Test Accuracy: {100 * accuracy} %")
    print(json.dumps({"seconds": seconds, "accuracy": accuracy}))


def load_data(folder: Path) -> Loaders:
    """Load the data set; each image is transformed whenever it is asked for."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    train_dataset = datasets.MNIST(folder, train=True, transform=transform)
    test_dataset = datasets.MNIST(folder, train=False, transform=transform)
    return Loaders(DataLoader(train_dataset, batch_size=64, shuffle=True), DataLoader(test_dataset, batch_size=64))


def build_optimizer(net: nn.Module, name: str) -> optim.Optimizer:
    """Build one of the article's two optimizers."""
    return optim.Adam(net.parameters(), lr=0.001) if name == "adam" else optim.SGD(net.parameters(), lr=0.01)


def train(net: nn.Module, optimizer: optim.Optimizer, loader: Batches, epochs: int) -> None:
    """Train as the article does."""
    cross_entropy_loss = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        running_loss, steps = 0.0, 0
        for images, labels in loader:
            outputs = net(images)
            loss = cross_entropy_loss(outputs, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            steps += 1
        print(f"Epoch {epoch + 1}: Loss: {running_loss / steps:.4f}")


def test(net: nn.Module, loader: Batches) -> float:
    """Compute the share of right answers."""
    correct = 0
    total = 0
    with torch.no_grad():
        for images, labels in loader:
            outputs = net(images)
            _, predicted = torch.max(outputs, 1)
            total += labels.size(0)
            correct += int((predicted == labels).sum().item())
    return correct / total


if __name__ == "__main__":
    main()
