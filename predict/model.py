"""The exported network: an ONNX file that contains its normalization, with what a picture must look like."""

import json
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from predict import PredictError
from predict.pictures import read_file
from predict.preparation import Ink
from predict.rules import are_digits

SILENT = 4  # log only what ends the process


def read_model(path: str, revision: str | None) -> bytes:
    """Read the file of a model, or what it is at a Git revision or in an experiment, if there is one.

    Raises:
        PredictError: it cannot be read, or DVC has it neither in the cache nor in the remote.
    """
    if revision is not None:
        return _read_model_of(revision, path)
    try:
        return read_file(path)
    except PredictError as error:
        raise PredictError(f"{error}; run dvc pull, or dvc repro") from None


def _read_model_of(revision: str, path: str) -> bytes:
    if not revision:  # which DVC takes for the workspace
        raise PredictError("--rev is empty; it must be a commit, branch, tag or experiment")

    from dvc.api import DVCFileSystem  # takes a second to import
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    try:
        data: bytes = DVCFileSystem(rev=revision).read_bytes(path)
    except (DvcException, SCMError, OSError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise PredictError(f"not available at {revision} ({reason}); run dvc pull or dvc exp pull") from None
    return data


class Metadata(NamedTuple):
    """What the model says of its images, its classes, and the pictures that it was trained on."""

    shape: tuple[int, int]  # height and width of an image
    mode: str  # of an image: L, gray, or RGB, with a third dimension
    classes: list[str]
    ink: Ink | None  # None: the pictures are not ink on a plain background
    temperature: float = 1  # what logits are divided by, so that the probabilities are those of being right

    @property
    def are_digits(self) -> bool:
        """Tell whether the rules for digits apply."""
        return self.ink is not None and are_digits(self.classes)


class Model:
    """A network, ready to run on one thread: a batch is too small for more."""

    def __init__(self, data: bytes) -> None:
        """Load an ONNX file.

        Raises:
            PredictError: it is not ONNX, or not such a network.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = SILENT
        try:
            self.session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - the base class of onnxruntime's errors
            raise PredictError(f"not an ONNX model ({shorten(error)}); run dvc repro") from None
        shape, mode, classes = read_shapes(self.session)
        self.metadata = read_metadata(self.session.get_modelmeta().custom_metadata_map, shape, mode, classes)

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities of shape (n, classes) of images, of shape (n, height, width) or (n, height, width, 3).

        They are calibrated with the temperature.

        Raises:
            PredictError: the network fails, or gives something else.
        """
        try:
            [logits] = self.session.run(["logits"], {"images": images})
        except Exception as error:  # noqa: BLE001 - the base class of onnxruntime's errors
            raise PredictError(f"the model fails ({shorten(error)}); run dvc repro") from None
        if logits.shape != (len(images), len(self.metadata.classes)) or not np.isfinite(logits).all():
            raise PredictError("the model gives no probabilities; run dvc repro")
        scaled = (logits - logits.max(axis=1, keepdims=True)) / np.float32(self.metadata.temperature)
        exponentials = np.exp(scaled)
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def read_shapes(session: ort.InferenceSession) -> tuple[tuple[int, int], str, int]:
    """Return height and width of an image, its mode, and the number of classes.

    Raises:
        PredictError: the inputs and outputs are not those that `export` writes.
    """
    inputs = [(node.name, node.type, *node.shape[1:]) for node in session.get_inputs()]
    outputs = sorted((node.name, node.type, *node.shape[1:]) for node in session.get_outputs())
    match inputs, outputs:
        case (
            [("images", "tensor(uint8)", int(height), int(width), *color)],
            [("logits", "tensor(float)", int(classes)), ("probabilities", "tensor(float)", int(others))],
        ) if color in ([], [3]) and 2 <= classes == others:
            return (height, width), "RGB" if color else "L", classes
    raise PredictError(
        f"has {shorten([*inputs, *outputs])}, must have images, uint8 of shape (n, height, width) or (n, height, "
        "width, 3), and logits and probabilities, float32 of shape (n, classes); run dvc repro"
    )


def read_metadata(metadata: Mapping[str, str], shape: tuple[int, int], mode: str, classes: int) -> Metadata:
    """Read the metadata that `export` wrote. Without those of ink, pictures are scaled to fit.

    Raises:
        PredictError: a key is missing, or has another value than is allowed.
    """
    try:
        names = json.loads(metadata.get("classes", "null"))
    except ValueError:
        names = None
    if not (isinstance(names, list) and len(names) == classes and all(isinstance(name, str) for name in names)):
        raise PredictError(f"metadata: classes: must be a JSON list of {classes} names; run dvc repro")
    temperature = read_temperature(metadata.get("temperature", "1"))
    if not {"ink_size", "ink_center"} & metadata.keys():
        return Metadata(shape, mode, names, None, temperature)
    size, center = metadata.get("ink_size", ""), metadata.get("ink_center", "")
    if mode != "L":
        raise PredictError("metadata: ink_size: must be left out for images in color; run dvc repro")
    if size not in map(str, range(1, min(shape) + 1)):
        raise PredictError(f"metadata: ink_size: {shorten(size)}: must be 1 to {min(shape)}; run dvc repro")
    if center not in {"mass", "box"}:
        raise PredictError(f"metadata: ink_center: {shorten(center)}: must be mass or box; run dvc repro")
    return Metadata(shape, mode, names, Ink(int(size), center), temperature)


def read_temperature(text: str) -> float:
    """Parse a positive number.

    Raises:
        PredictError: it is not one.
    """
    try:
        temperature = float(text)
    except ValueError:
        temperature = math.nan
    if not (temperature > 0 and math.isfinite(temperature)):
        raise PredictError(f"metadata: temperature: {shorten(text)}: must be a positive number; run dvc repro")
    return temperature


def shorten(value: object) -> str:
    """Convert to one line of at most 100 characters."""
    return " ".join(str(value).split())[:100]
