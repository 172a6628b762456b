"""What both schemas are put together from. They are of draft 7, which every editor knows without a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Schema = dict[str, Any]

DRAFT: Final = "http://json-schema.org/draft-07/schema#"


def text(description: str, example: str, **more: Any) -> Schema:
    """Text; the files may write a number where a text is meant, such as a version."""
    return {"description": description, "type": ["string", "number"], "examples": [example], **more}


def texts(description: str, example: Iterable[str]) -> Schema:
    """A list of texts; one text alone counts as a list of it."""
    items = {"type": ["string", "number"]}
    kinds = [{"type": "array", "items": items}, {"type": "string"}]
    return {"description": description, "anyOf": kinds, "examples": [list(example)]}


def boolean(description: str, *, default: bool | None = None, example: bool = True) -> Schema:
    """True or false."""
    stated = {} if default is None else {"default": default}
    return {"description": description, "type": "boolean", **stated, "examples": [example]}


def integer(description: str, example: int, *, least: int = 0, **more: Any) -> Schema:
    """An integer that is not below ``least``."""
    return {"description": description, "type": "integer", "minimum": least, "examples": [example], **more}


def number(description: str, example: float, **more: Any) -> Schema:
    """A number."""
    return {"description": description, "type": "number", "examples": [example], **more}


def choice(description: str, values: Iterable[str], **more: Any) -> Schema:
    """One of these texts."""
    allowed = list(values)
    return {"description": description, "enum": allowed, "examples": [allowed[0]], **more}


def anything(description: str, example: Any) -> Schema:
    """Any value."""
    return {"description": description, "examples": [example]}


def refer(name: str, description: str, example: Any) -> Schema:
    """What is defined under that name."""
    return {"description": description, "allOf": [{"$ref": f"#/definitions/{name}"}], "examples": [example]}


def refer_all(name: str, description: str, example: Any) -> Schema:
    """A list of what is defined under that name."""
    items = {"$ref": f"#/definitions/{name}"}
    return {"description": description, "type": "array", "items": items, "examples": [example]}


def refer_each(name: str, description: str, example: Any) -> Schema:
    """A mapping of names of one's own to what is defined under that name."""
    values = {"$ref": f"#/definitions/{name}"}
    return {"description": description, "type": "object", "additionalProperties": values, "examples": [example]}


def closed(
    properties: Mapping[str, Schema], *, required: Iterable[str] = (), informative: Iterable[str] = (), **more: Any
) -> Schema:
    """An object without other keys than these and the ``informative`` ones; with such it may also have any ``x-…``."""
    told = {key: {"description": "For readers; it has no effect."} for key in informative}
    patterns: Schema = {"patternProperties": {"^x-": {}}} if told else {}
    keys = {"properties": {**properties, **told}, "required": list(required), "additionalProperties": False}
    return {"type": "object", **keys, **patterns, **more}


def opened(properties: Mapping[str, Schema], *, required: Iterable[str] = (), **more: Any) -> Schema:
    """An object that may have other keys, which are kept and have no effect."""
    return {"type": "object", "properties": dict(properties), "required": list(required), **more}
