"""The exported network: an ONNX file that contains its normalization, with what a picture must look like."""

import json
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from predict import PredictError
from predict.pictures import IMAGE_SIZE, read_file

CLASSES = 10
INPUTS = {"images": ("tensor(uint8)", [IMAGE_SIZE, IMAGE_SIZE])}
OUTPUTS = {"logits": ("tensor(float)", [CLASSES]), "probabilities": ("tensor(float)", [CLASSES])}
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
    """What the model says of its classes and of the pictures that it was trained on."""

    classes: list[str]
    ink_size: int  # pixels of the longer side of the ink
    ink_center: str  # mass or box


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
        for wanted, found in ((INPUTS, self.session.get_inputs()), (OUTPUTS, self.session.get_outputs())):
            types = {node.name: (node.type, node.shape[1:]) for node in found}
            if types != wanted:
                raise PredictError(f"has {shorten(types)}, must have {wanted}; run dvc repro")
        self.metadata = read_metadata(self.session.get_modelmeta().custom_metadata_map)

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities of shape (n, 10) of images of shape (n, 28, 28).

        Raises:
            PredictError: the network fails, or gives something else.
        """
        try:
            [probabilities] = self.session.run(["probabilities"], {"images": images})
        except Exception as error:  # noqa: BLE001 - the base class of onnxruntime's errors
            raise PredictError(f"the model fails ({shorten(error)}); run dvc repro") from None
        if probabilities.shape != (len(images), CLASSES) or not np.isfinite(probabilities).all():
            raise PredictError("the model gives no probabilities; run dvc repro")
        return np.asarray(probabilities)


def read_metadata(metadata: Mapping[str, str]) -> Metadata:
    """Read the metadata that `export` wrote.

    Raises:
        PredictError: a key is missing, or has another value than is allowed.
    """
    try:
        classes = json.loads(metadata.get("classes", "null"))
    except ValueError:
        classes = None
    if not (isinstance(classes, list) and len(classes) == CLASSES and all(isinstance(name, str) for name in classes)):
        raise PredictError("metadata: classes: must be a JSON list of 10 names; run dvc repro")
    size, center = metadata.get("ink_size", ""), metadata.get("ink_center", "")
    if size not in map(str, range(1, IMAGE_SIZE + 1)):
        raise PredictError(f"metadata: ink_size: {shorten(size)}: must be 1 to 28; run dvc repro")
    if center not in {"mass", "box"}:
        raise PredictError(f"metadata: ink_center: {shorten(center)}: must be mass or box; run dvc repro")
    return Metadata(classes, int(size), center)


def shorten(value: object) -> str:
    """Convert to one line of at most 100 characters."""
    return " ".join(str(value).split())[:100]
