"""Download the data set, verify it, and unpack it.

Reads the mirrors of the data set, or scikit-learn's digits; writes data/raw: four uncompressed IDX files.

The environment variable MNIST_MIRROR names a folder or a URL that is tried before the public mirrors.
"""

import shutil
from pathlib import Path

from runtime import stage
from runtime.files import writing
from stages.download import torchvision_datasets
from stages.download.digits import write_digits
from stages.download.parameters import Parameters
from stages.download.verification import verify

RAW = Path("data/raw")
PARTIAL = Path("data/raw.partial")


def main(parameters: Parameters) -> None:
    """Write the files into a folder of their own, verify them, and rename it: data/raw is never incomplete."""
    shutil.rmtree(PARTIAL, ignore_errors=True)
    try:
        with writing(RAW):
            PARTIAL.mkdir()
            if parameters.dataset == "digits":
                write_digits(PARTIAL)
            else:
                torchvision_datasets.download(parameters.dataset, PARTIAL)
            verify(parameters.dataset, PARTIAL)
            shutil.rmtree(RAW, ignore_errors=True)
            PARTIAL.rename(RAW)
    finally:
        shutil.rmtree(PARTIAL, ignore_errors=True)


if __name__ == "__main__":
    stage.run("download", main, Parameters)
