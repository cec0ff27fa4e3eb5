"""The network, its file, and its predictions."""

from itertools import pairwise
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from stages.shared.datasets import Dataset
from stages.shared.errors import StageError, to_line, writing
from stages.shared.parameters import NetworkParameters
from stages.shared.safetensors_file import ADVICE, format_metadata, read_file

MODEL = Path("models/mlp.safetensors")
CODE = "stages/shared/network.py"
BATCH_SIZE = 1000  # of predictions; it bounds the memory


def build_network(dataset: Dataset, parameters: NetworkParameters, linear: type[nn.Linear] = nn.Linear) -> nn.Module:
    """Build a multilayer perceptron with ReLU. To change the network, change this function.

    It maps images, float32 of shape (n, channels, height, width), to logits of shape (n, classes). `linear` is the
    class of the linear layers; in portable numerics, train chooses one that is faster there than nn.Linear.
    """
    sizes = [dataset.channels * dataset.height * dataset.width, *parameters.hidden_sizes]
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(sizes):
        layers += [linear(inputs, outputs), nn.ReLU()]
    layers.append(linear(sizes[-1], len(dataset.classes)))
    return nn.Sequential(*layers)


def check_network(network: nn.Module, dataset: Dataset) -> None:
    """Raise StageError unless the network gives a logit for each class of images of the data set."""
    *_, last = network.modules()
    if isinstance(last, (nn.Softmax, nn.LogSoftmax)):
        raise StageError(f"{CODE}: the last layer is a softmax; remove it: the losses and the metrics take logits")
    outputs = predict(network, torch.zeros(2, dataset.channels, dataset.height, dataset.width))
    if outputs.shape != (2, len(dataset.classes)):
        raise StageError(
            f"{CODE}: the outputs of an image are {list(outputs.shape[1:])}, must be {len(dataset.classes)}: a logit "
            "for each class"
        )


class Description(BaseModel):
    """What is needed to build a network again: the metadata of its file."""

    model_config = ConfigDict(strict=True, frozen=True)

    dataset: Dataset
    parameters: NetworkParameters


def save_network(path: Path, network: nn.Module, dataset: Dataset, parameters: NetworkParameters) -> None:
    """Write the state_dict and the description of a network to `path`."""
    # safetensors takes no tensors that share memory or are not contiguous.
    tensors = {
        name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in network.state_dict().items()
    }
    with writing(path, SafetensorError):
        save_file(tensors, path, format_metadata(Description(dataset=dataset, parameters=parameters)))


def load_network(path: Path) -> tuple[nn.Module, Dataset]:
    """Load a network for evaluation, with the data set that it is made for.

    Raises:
        StageError: the file is not what `save_network` wrote, or has weights that are not finite.
    """
    tensors, description = read_file(path, Description)
    network = build_network(description.dataset, description.parameters)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise StageError(f"{path}: not of the network in stages ({to_line(str(error), 100)}); {ADVICE}") from None
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise StageError(f"{path}: has weights that are NaN or infinite; {ADVICE}")
    return network.eval(), description.dataset


@torch.no_grad()
def predict(network: nn.Module, images: Tensor) -> Tensor:
    """Compute the logits, of shape (n, classes), of any number of images, in evaluation mode."""
    network.eval()
    return torch.cat([network(batch) for batch in images.split(BATCH_SIZE)])
