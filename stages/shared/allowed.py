"""What the type of a parameter allows, in words: each constraint is written once, in stages/shared/parameters.py."""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel

NOUNS = {
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "null": "null",
}
PLURALS = {"integer": "integers", "number": "numbers", "string": "strings"}


def describe_allowed(kind: type[BaseModel], key: str) -> str:
    """Say what the field `key` of a class allows, such as "a number greater than 0, at most 1000"."""
    return _describe(kind.model_json_schema()["properties"][key], NOUNS)


def _describe(schema: dict[str, Any], nouns: dict[str, str]) -> str:
    match schema:
        case {"enum": values}:
            return _join(list(map(str, values)))
        case {"const": value}:
            return str(value)
        case {"anyOf": schemas}:
            return _join([_describe(option, nouns) for option in schemas])
        case {"type": "array"}:
            length = f"at most {schema['maxItems']} " if "maxItems" in schema else ""
            return f"a list of {length}{_describe(schema.get('items', {}), PLURALS)}"
    noun = nouns.get(schema.get("type", ""), "a valid value")
    return " ".join([noun, *_describe_range(schema)])


def _describe_range(schema: dict[str, Any]) -> list[str]:
    limits = {name: format(Decimal(str(limit)).normalize(), "f") for name, limit in schema.items() if "imum" in name}
    match limits:
        case {"minimum": low, "maximum": high}:
            return [f"from {low} to {high}"]
        case {"minimum": low, "exclusiveMaximum": high}:
            return [f"from {low} to less than {high}"]
        case {"exclusiveMinimum": low, "maximum": high}:
            return [f"greater than {low}, at most {high}"]
        case {"exclusiveMinimum": low, "exclusiveMaximum": high}:
            return [f"greater than {low}, less than {high}"]
    texts = {
        "minimum": "of {} or more",
        "maximum": "of at most {}",
        "exclusiveMinimum": "greater than {}",
        "exclusiveMaximum": "less than {}",
    }
    return [texts[name].format(limit) for name, limit in limits.items()]


def _join(options: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(options[:-1]), options[-1]]))
