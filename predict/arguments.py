"""Predict the class of each picture with the exported network.

A picture is prepared as those of MNIST: its ink is found, scaled to fit 20 x 20 pixels, and placed in 28 x 28 by center
of mass. Exit status: 0 all predicted, 1 an error, in one line each, 2 wrong arguments.
"""

import argparse
from collections.abc import Sequence


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line. `labels` is None, the path of a CSV file, or empty for the names of folders."""
    parser = argparse.ArgumentParser(
        prog="python -m predict", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("images", nargs="*", metavar="IMAGE", help="a picture, a folder of pictures, or - for standard input")
    add("--as-is", action="store_true", help="take 28 x 28 gray pictures, light on dark, without preparation")
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
    output.add_argument("--show", action="store_true", help="draw the 28 x 28 pixels that the network sees")
    options = parser.parse_args(arguments)
    if options.labels and not options.labels.lower().endswith(".csv"):  # --labels without a value, before an image
        options.images.insert(0, options.labels)
        options.labels = ""
    if not options.images:
        parser.error("name at least one IMAGE")
    return options
