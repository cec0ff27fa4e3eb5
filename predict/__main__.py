"""Predict the class of each picture with the exported network.

A picture is prepared as those that the network was trained on, as its metadata say: for MNIST, its ink is found, scaled
to fit 20 x 20 pixels, and placed by center of mass. Several digits are a number: a row for it, and one for each digit.
Exit status: 0 all predicted, 1 an error, in one line each, 2 wrong arguments.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice

import numpy as np

from predict import PredictError, report
from predict.labels import FindLabel, choose_labels
from predict.model import Metadata, Model, read_model
from predict.pictures import Pixels, list_pictures, read_as_is, read_scaled
from predict.preparation import prepare_box, prepare_digits, prepare_whole, read_images

BATCH_SIZE = 100

Input = tuple[str, Pixels, int | None]  # the name of the file, its images, (n, height, width), and its label


class Errors:
    """Prints errors as they come, and counts them."""

    count = 0

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Print an error of this file in one line, and go on after the `with` statement."""
        try:
            yield
        except PredictError as error:
            self.count += 1
            print(f"error: {report.to_printable(f'{name}: {error}')}", file=sys.stderr)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line. `labels` is None, the path of a CSV file, or empty for the names of folders."""
    parser = argparse.ArgumentParser(
        prog="python -m predict", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("images", nargs="*", metavar="IMAGE", help="a picture, a folder of pictures, or - for standard input")
    add("--as-is", action="store_true", help="take pictures of the size of the network's images, without preparation")
    add(
        "--labels",
        nargs="?",
        const="",
        metavar="FILE.csv",
        help="print accuracy and confusion matrix; labels are in a CSV file with the header file,label "
        "(default: the name of the picture's folder)",
    )
    add("--model", default="models/mlp.onnx", metavar="PATH", help="the network (default: %(default)s)")
    add("--rev", metavar="NAME", help="take the network from this commit or experiment, by DVC")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON object a line")
    output.add_argument("--show", action="store_true", help="draw the pixels that the network sees")
    options = parser.parse_args(arguments)
    if options.labels and not options.labels.lower().endswith(".csv"):  # --labels without a value, before an image
        options.images.insert(0, options.labels)
        options.labels = ""
    if not options.images:
        parser.error("name at least one IMAGE")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict what the command line names, and return the exit status."""
    options = parse_arguments(arguments)
    errors = Errors()
    with errors.of(options.model):
        model = Model(read_model(options.model, options.rev))
        with errors.of(options.labels):
            find_label = choose_labels(options.labels, model.metadata.classes)
        if errors.count:
            return 1
        files: list[str] = []
        for name in options.images:
            with errors.of(name):
                files += list_pictures(name)
        images = read_images(files, choose_preparation(model.metadata, as_is=options.as_is))
        inputs = label_images(files, images, find_label, errors)
        report.print_predictions(predict(model, inputs), files, model.metadata, options)
    return 1 if errors.count else 0


def choose_preparation(metadata: Metadata, *, as_is: bool) -> Callable[[bytes], Pixels]:
    """Return what turns the bytes of a picture into images of the network."""
    if as_is:
        return partial(prepare_whole, read_as_is, metadata.shape, metadata.mode)
    if metadata.ink is None:
        return partial(prepare_whole, read_scaled, metadata.shape, metadata.mode)
    return partial(prepare_digits if metadata.are_digits else prepare_box, metadata.shape, metadata.ink)


def label_images(
    files: Sequence[str], images: Iterator[Pixels | PredictError], find_label: FindLabel, errors: Errors
) -> Iterator[Input]:
    """Yield the images of each file with its label; files with an error are left out."""
    for name, read in zip(files, images, strict=True):
        with errors.of(name):
            if isinstance(read, PredictError):
                raise read
            yield name, read, find_label(name)


def predict(model: Model, inputs: Iterator[Input]) -> Iterator[report.Prediction]:
    """Run the network on batches.

    Raises:
        PredictError: the network fails.
    """
    while batch := list(islice(inputs, BATCH_SIZE)):
        probabilities = model.predict(np.concatenate([images for _, images, _ in batch]))
        ends = np.cumsum([len(images) for _, images, _ in batch])
        for (name, images, label), rows in zip(batch, np.split(probabilities, ends[:-1]), strict=True):
            yield report.Prediction(name, images, label, rows)


def run() -> int:
    """Return the exit status of the command line; a closed pipe, such as that of head, ends it without a message."""
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes standard output again when it ends
        if not isinstance(error, BrokenPipeError):
            print(f"error: standard output: {error.strerror}", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(run())
