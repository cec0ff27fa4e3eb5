"""Parameters as text."""

import json
from collections.abc import Mapping


def format_parameters(parameters: Mapping[str, object]) -> str:
    """Format parameters in one line."""
    return " ".join(f"{key}={format_value(value)}" for key, value in parameters.items())


def format_value(value: object) -> str:
    """Format a value of params.yaml; floats have six digits."""
    return f"{value:.6g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
