"""Train and test the tutorial's network on tensors in memory: what a PyTorch user would write.

The last line of the output is JSON: the seconds of the training loop, and the test accuracy.

Run: python bench/programs/plain.py RAW sgd 10 0    (folder of the unpacked files, optimizer, epochs, seed)
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

folder, name, epochs, seed = sys.argv[1:]
torch.manual_seed(int(seed))


def read(file: str, offset: int) -> torch.Tensor:
    """Read the bytes of an IDX file after its header."""
    return torch.from_numpy(np.fromfile(f"{folder}/{file}-ubyte", np.uint8, offset=offset))


images, test_images = (
    (read(f"{split}-images-idx3", 16).view(-1, 784) / 255 - 0.5) / 0.5 for split in ("train", "t10k")
)
labels, test_labels = (read(f"{split}-labels-idx1", 8).long() for split in ("train", "t10k"))
network = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
parameters = network.parameters()
optimizer = torch.optim.Adam(parameters, lr=0.001) if name == "adam" else torch.optim.SGD(parameters, lr=0.01)
loss_function = nn.CrossEntropyLoss()

start = time.perf_counter()
for epoch in range(int(epochs)):
    running_loss = 0.0
    batches = torch.randperm(len(images)).split(64)
    for batch in batches:
        loss = loss_function(network(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f"Epoch {epoch + 1}: loss {running_loss / len(batches):.4f}")
seconds = time.perf_counter() - start

with torch.no_grad():
    accuracy = (network(test_images).argmax(dim=1) == test_labels).float().mean().item()
print(json.dumps({"training_seconds": seconds, "accuracy": accuracy}))
