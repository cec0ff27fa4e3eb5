"""Validate params.yaml, and the installed packages, before any output is removed.

Reads params.yaml; writes data/parameters.valid.

DVC deletes the outputs of a stage before it runs the stage, so a stage that rejects its parameters or the version of a
package has already lost them. This stage lists the packages of all others (runtime/versions.py), and all stages with
parameters depend on data/parameters.valid. Its content is constant, so that a valid change reruns only the stages whose
parameters changed.
"""

from pathlib import Path

from runtime import stage
from runtime.files import writing
from stages.download.parameters import TRAINING_IMAGES
from stages.normalize.parameters import check_validation_size
from stages.train.parameters import check_patience
from stages.validate.parameters import Parameters, check_keys

VALID = Path("data/parameters.valid")


def main(parameters: Parameters) -> None:
    """Validate what the types do not: unknown keys, and limits that depend on other parameters."""
    check_keys()
    check_validation_size(parameters.validation_size, TRAINING_IMAGES[parameters.dataset])
    check_patience(parameters.patience, parameters.validation_size)
    with writing(VALID):
        VALID.unlink(missing_ok=True)  # it may be a link into DVC's cache
        VALID.write_text("params.yaml is valid\n")


if __name__ == "__main__":
    stage.run("validate", main, Parameters)
