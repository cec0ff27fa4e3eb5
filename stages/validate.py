"""Validate the parameters, before any output is touched.

Reads params.yaml; writes data/parameters.valid, which the stages with parameters wait for.

DVC deletes the outputs of a stage before it runs it: a stage that refuses a parameter has already cost them. As the
file that is waited for stays the same, a valid change reruns only the stages whose parameters changed.

Run: dvc repro validate
"""

import difflib
from pathlib import Path

from stages.download.parameters import TRAINING_IMAGES
from stages.download.parameters import Parameters as DownloadParameters
from stages.normalize.parameters import Parameters as NormalizeParameters
from stages.normalize.parameters import check_validation_size
from stages.shared import stage
from stages.shared.files import writing
from stages.shared.parameters import PARAMS_YAML, read_parameters
from stages.shared.stage import StageError
from stages.shared.yaml_mapping import read_yaml_mapping
from stages.train.parameters import Parameters as TrainParameters
from stages.train.parameters import check_patience

VALID = Path("data/parameters.valid")


def main() -> None:
    """Hold params.yaml to what each stage allows, and the stages' parameters to one another."""
    check_keys()
    download, normalize = read_parameters(DownloadParameters), read_parameters(NormalizeParameters)
    train = read_parameters(TrainParameters)
    check_validation_size(normalize.validation_size, TRAINING_IMAGES[download.dataset])
    check_patience(train.patience, normalize.validation_size)
    with writing(VALID):
        VALID.unlink(missing_ok=True)  # it may be a link into DVC's cache
        VALID.write_text("params.yaml holds what every stage allows.\n")


def check_keys() -> None:
    """Raise StageError if params.yaml has keys that are no stage's; a line for each."""
    known_keys = {
        key for kind in (DownloadParameters, NormalizeParameters, TrainParameters) for key in kind.model_fields
    }
    unknown_keys = [key for key in read_yaml_mapping(PARAMS_YAML) if key not in known_keys]
    if unknown_keys:
        raise StageError("\n".join(describe_unknown_key(str(key), known_keys) for key in unknown_keys))


def describe_unknown_key(key: str, known_keys: set[str]) -> str:
    """Say in one line what else may have been meant."""
    close = difflib.get_close_matches(key, known_keys, n=1)
    hint = f"did you mean {close[0]}?" if close else f"allowed are {', '.join(sorted(known_keys))}"
    return f"{PARAMS_YAML}: {key}: unknown key; {hint}"


if __name__ == "__main__":
    stage.run(main)
