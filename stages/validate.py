"""Validate params.yaml before any output is removed.

Reads params.yaml; writes data/parameters.valid.

DVC deletes the outputs of a stage before it runs the stage, so a stage that rejects its parameters has already lost
them. All stages with parameters depend on data/parameters.valid. Its content is constant, so that a valid change reruns
only the stages whose parameters changed. For the same reason this stage lists the packages of all others in dvc.yaml.
"""

import difflib
from pathlib import Path

from stages.shared.errors import StageError, to_line, writing
from stages.shared.parameters import PARAMS_YAML, ValidateParameters
from stages.shared.program import check_params, read_stages, run
from stages.shared.yaml_file import read_yaml_mapping

VALID = Path("data/parameters.valid")


def main(_parameters: ValidateParameters) -> None:
    """Validate what the values, which are valid here, do not tell: keys of no stage, and the params of dvc.yaml."""
    check_keys()
    stages = read_stages()
    for kind in ValidateParameters.__bases__:
        check_params(stages, kind.__name__.removesuffix("Parameters").lower(), kind)
    with writing(VALID):
        VALID.unlink(missing_ok=True)  # it may be a link into DVC's cache
        VALID.write_text("params.yaml is valid\n")


def check_keys() -> None:
    """Raise StageError if params.yaml has keys of no stage; one line for each."""
    allowed = sorted(ValidateParameters.model_fields)
    unknown_keys = [to_line(str(key), 60) for key in read_yaml_mapping(PARAMS_YAML) if key not in allowed]
    lines = []
    for key in unknown_keys:
        similar = difflib.get_close_matches(key, allowed, n=1)
        hint = (
            f"did you mean {similar[0]}?"
            if similar
            else "remove it, or add it to the class of its stage in stages/shared/parameters.py"
        )
        lines.append(f"{PARAMS_YAML}: {key}: unknown key; {hint}")
    if lines:
        raise StageError("\n".join(lines))


if __name__ == "__main__":
    run("validate", main, ValidateParameters)
