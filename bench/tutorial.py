"""The tutorial's program: the baseline that our training is compared with.

Differences from the tutorial's code: the data set is already downloaded; the data loaders, which the tutorial uses but
does not define, are defined; the seed is set; the training loop is timed. The last line of the output is JSON: the
seconds of the training loop and the test accuracy. Importing `declare_missing_operators` takes 0.2 s.

Run: python -m bench.tutorial FOLDER --optimizer sgd    (FOLDER contains MNIST/raw, as torchvision expects)
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

from stages.download.torchvision_datasets import declare_missing_operators

declare_missing_operators()
from torchvision import datasets, transforms  # noqa: E402

Batches = Iterable[tuple[Tensor, Tensor]]


class Net(nn.Module):
    """The tutorial's network: 784-128-64-10 with ReLU."""

    def __init__(self) -> None:
        """Create the layers with PyTorch's default initialization."""
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, 64)
        self.fc3 = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of shape (n, 10) for images of shape (n, 1, 28, 28)."""
        x = x.view(x.size(0), -1)
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        logits: Tensor = self.fc3(x)
        return logits


class Loaders(NamedTuple):
    """Batches of 64 images, float32 of shape (n, 1, 28, 28) from -1 to 1, and their labels, int64 of shape (n,)."""

    train: Batches
    test: Batches


def main() -> None:
    """Train, test, and print the results."""
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
    start = time.perf_counter()
    train(net, optimizer, loaders.train, arguments.epochs)
    training_seconds = time.perf_counter() - start
    accuracy = test(net, loaders.test)
    print(f"Test Accuracy: {100 * accuracy} %")
    print(json.dumps({"training_seconds": training_seconds, "accuracy": accuracy}))


def load_data(folder: Path) -> Loaders:
    """Create the data loaders; images are transformed each time they are loaded."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    train_dataset = datasets.MNIST(folder, train=True, transform=transform)
    test_dataset = datasets.MNIST(folder, train=False, transform=transform)
    return Loaders(DataLoader(train_dataset, batch_size=64, shuffle=True), DataLoader(test_dataset, batch_size=64))


def build_optimizer(net: nn.Module, name: str) -> optim.Optimizer:
    """Build the tutorial's SGD (lr 0.01) or Adam (lr 0.001)."""
    return optim.Adam(net.parameters(), lr=0.001) if name == "adam" else optim.SGD(net.parameters(), lr=0.01)


def train(net: nn.Module, optimizer: optim.Optimizer, loader: Batches, epochs: int) -> None:
    """Train `net` in place and print the mean loss of each epoch."""
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
    """Return the accuracy, from 0 to 1."""
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
