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
    "other": "a valid value",
}
PLURALS = {"integer": "integers", "number": "numbers", "string": "strings", "other": "values"}


def describe_allowed(kind: type[BaseModel], key: str) -> str:
    """Say what the field `key` of a class allows, such as "a number greater than 0, at most 1000"."""
    schema = kind.model_json_schema()
    field = schema["properties"][key]
    definition = schema.get("$defs", {}).get(field.get("$ref", "").rpartition("/")[2], {})  # of a class of its own
    return _describe(field | definition, NOUNS)


def _describe(schema: dict[str, Any], nouns: dict[str, str]) -> str:
    match schema:
        case {"enum": values}:
            return _join(list(map(str, values)))
        case {"const": value}:
            return str(value)
        case {"anyOf": schemas}:
            return _join([_describe(option, nouns) for option in schemas])
        case {"type": "array" | "object"}:
            return _describe_collection(schema)
    noun = nouns.get(schema.get("type", ""), nouns["other"])
    pattern = [f"that matches {schema['pattern']}"] if "pattern" in schema else []
    return " ".join([noun, *_describe_range(schema), *pattern])


def _describe_collection(schema: dict[str, Any]) -> str:
    match schema:
        case {"prefixItems": items}:
            return f"a list of {len(items)}: {', '.join(_describe(item, NOUNS) for item in items)}"
        case {"type": "array"}:
            return " ".join(["a list of", *_describe_count(schema), _describe(schema.get("items", {}), PLURALS)])
        case {"additionalProperties": dict(values)}:
            return f"a mapping of names to {_describe(values, PLURALS)}"
    return "a mapping"


def _describe_count(schema: dict[str, Any]) -> list[str]:
    match schema:
        case {"minItems": low, "maxItems": high}:
            return [str(low) if low == high else f"{low} to {high}"]
        case {"minItems": low}:
            return [f"{low} or more"]
        case {"maxItems": high}:
            return [f"at most {high}"]
    return []


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
