"""Predict what the command line names, and print it."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from predict import images, labels, report
from predict.arguments import parse_arguments
from predict.errors import PredictError
from predict.inputs import Image, prepare_picture, read_inputs
from predict.model import Model, read_model

BATCH_SIZE = 100

Input = tuple[str, Image, int | None]  # the name of the file, its image and its label


class Errors:
    """The errors so far, printed as they come."""

    def __init__(self) -> None:
        """Start with none."""
        self.count = 0

    def add(self, name: str, error: PredictError) -> None:
        """Print an error of a file in one line."""
        self.count += 1
        print(f"error: {report.to_printable(f'{name}: {error}')}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict what the command line names, and return the exit status."""
    options = parse_arguments(arguments)
    errors = Errors()
    try:
        model = load_model(options.model, options.rev)
    except PredictError as error:
        errors.add(options.model, error)
        return 1
    try:
        find_label = choose_labels(options.labels, model.metadata.classes)
    except PredictError as error:
        errors.add(options.labels, error)
        return 1
    files = list_files(options.images, errors)
    prepare = (
        images.read_as_is
        if options.as_is
        else partial(prepare_picture, model.metadata.ink_size, model.metadata.ink_center)
    )
    inputs = label_inputs(files, read_inputs(files, prepare), find_label, errors)
    try:
        print_predictions(predict(model, inputs), files, model.metadata.classes, options)
    except PredictError as error:
        errors.add(options.model, error)
    return 1 if errors.count else 0


def load_model(path: str, revision: str | None) -> Model:
    """Load the model from the workspace or from a revision.

    Raises:
        PredictError: it is missing or damaged.
    """
    if revision is None:
        return Model(read_model(Path(path)))
    from predict.revision import read_model_of  # DVC takes a second to import

    return Model(read_model_of(revision, path))


def choose_labels(option: str | None, classes: Sequence[str]) -> labels.FindLabel | None:
    """Return what finds the label of a picture, if labels are wanted.

    Raises:
        PredictError: the CSV file is not as it must be.
    """
    if option is None:
        return None
    return labels.label_by_csv(Path(option), classes) if option else labels.label_by_folder(classes)


def list_files(names: Sequence[str], errors: Errors) -> list[str]:
    """List the pictures that the command line names."""
    files = []
    for name in names:
        try:
            files += images.list_images(name)
        except PredictError as error:
            errors.add(name, error)
    return files


def label_inputs(
    files: Sequence[str], inputs: Iterator[Image | PredictError], find_label: labels.FindLabel | None, errors: Errors
) -> Iterator[Input]:
    """Yield the images with their labels; files with an error are left out."""
    for name, image in zip(files, inputs, strict=True):
        try:
            if isinstance(image, PredictError):
                raise image
            yield name, image, find_label(name) if find_label else None
        except PredictError as error:
            errors.add(name, error)


def predict(model: Model, inputs: Iterator[Input]) -> Iterator[report.Prediction]:
    """Run the network on batches.

    Raises:
        PredictError: the network fails.
    """
    while batch := list(islice(inputs, BATCH_SIZE)):
        probabilities = model.predict(np.stack([image for _, image, _ in batch]))
        for (name, image, label), row in zip(batch, probabilities, strict=True):
            yield report.Prediction(name, image, label, row)


def print_predictions(
    predictions: Iterator[report.Prediction], files: Sequence[str], classes: Sequence[str], options: argparse.Namespace
) -> None:
    """Print the predictions as they come, and the confusion matrix at the end if labels are known."""
    table = report.Table(files, classes, labels=options.labels is not None)
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    pairs = []
    for number, prediction in enumerate(predictions):
        if options.json:
            print(report.format_json(prediction, classes))
        else:
            print(*([] if number else [table.header]), table.format(prediction), sep="\n")
        if options.show:
            print(report.format_image(prediction.image, color=color))
        if prediction.label is not None:
            pairs.append((prediction.label, int(prediction.probabilities.argmax())))
    if pairs:
        counts = report.count_confusion(pairs, len(classes))
        print(report.format_summary_json(counts) if options.json else f"\n{report.format_summary(counts, classes)}")
