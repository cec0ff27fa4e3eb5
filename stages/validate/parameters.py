"""The parameters of all stages."""

import difflib

from runtime.errors import StageError
from runtime.parameters import PARAMS_YAML
from runtime.yaml_file import read_yaml_mapping, to_line
from stages.download.parameters import Parameters as DownloadParameters
from stages.export.parameters import Parameters as ExportParameters
from stages.normalize.parameters import Parameters as NormalizeParameters
from stages.train.parameters import Parameters as TrainParameters


class Parameters(DownloadParameters, NormalizeParameters, TrainParameters, ExportParameters):
    """Every key of params.yaml."""


def check_keys() -> None:
    """Raise StageError if params.yaml has keys of no stage; one line for each."""
    unknown_keys = [
        to_line(str(key), 60) for key in read_yaml_mapping(PARAMS_YAML) if key not in Parameters.model_fields
    ]
    if unknown_keys:
        raise StageError("\n".join(_describe_unknown_key(key) for key in unknown_keys))


def _describe_unknown_key(key: str) -> str:
    similar = difflib.get_close_matches(key, Parameters.model_fields, n=1)
    allowed = ", ".join(sorted(Parameters.model_fields))
    hint = f"did you mean {similar[0]}?" if similar else f"allowed keys are {allowed}"
    return f"{PARAMS_YAML}: {key}: unknown key; {hint}"
