"""The tutorial's program: a `DataLoader` that transforms each image whenever it is asked for it.

Differences from the tutorial's code: the data set is already downloaded; the data loaders, which the tutorial uses but
does not define, are defined; the seed is set; the training loop is timed. The last line of the output is JSON: the
seconds of the training loop, and the test accuracy.

Run: python -m bench.programs.tutorial FOLDER sgd 10 0    (folder that contains MNIST/raw, optimizer, epochs, seed)
"""

import json
import sys
import time

import torch
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader

from stages.download import declare_missing_operators

declare_missing_operators()
from torchvision import datasets, transforms  # noqa: E402

folder, name, epochs, seed = sys.argv[1:]
torch.manual_seed(int(seed))
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
train_dataset = datasets.MNIST(folder, train=True, transform=transform)
test_dataset = datasets.MNIST(folder, train=False, transform=transform)
train_loader = DataLoader(train_dataset, batch_size=64, shuffle=True)
test_loader = DataLoader(test_dataset, batch_size=64)


class Net(nn.Module):
    """The tutorial's network: 784-128-64-10 with ReLU."""

    def __init__(self) -> None:
        """Create the layers."""
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


net = Net()
optimizer = optim.Adam(net.parameters(), lr=0.001) if name == "adam" else optim.SGD(net.parameters(), lr=0.01)
cross_entropy_loss = nn.CrossEntropyLoss()

start = time.perf_counter()
for epoch in range(int(epochs)):
    running_loss = 0.0
    for images, labels in train_loader:
        outputs = net(images)
        loss = cross_entropy_loss(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f"Epoch {epoch + 1}: Loss: {running_loss / len(train_loader):.4f}")
seconds = time.perf_counter() - start

correct = 0
total = 0
with torch.no_grad():
    for images, labels in test_loader:
        outputs = net(images)
        _, predicted = torch.max(outputs, 1)
        total += labels.size(0)
        correct += int((predicted == labels).sum().item())
print(f"Test Accuracy: {100 * correct / total} %")
print(json.dumps({"training_seconds": seconds, "accuracy": correct / total}))
