"""Test whether a mirror serves the data set of params.yaml, without writing anything.

Exit status: 0 if one does, 3 if none is reachable. `make run` calls it; it is not part of the stage.

Run: python -m stages.download.probe
"""

from runtime.parameters import read_parameters
from runtime.stage import errors_in_lines
from stages.download import torchvision_datasets, transfer
from stages.download.parameters import Parameters


def main() -> None:
    """Request the smallest archive; scikit-learn's digits need no mirror."""
    name = read_parameters(Parameters).dataset
    if name != "digits":
        dataset = torchvision_datasets.find_dataset(name)
        transfer.probe(transfer.list_mirrors(dataset.mirrors), *dataset.resources[-1])


if __name__ == "__main__":
    with errors_in_lines():
        main()
