"""JSON as it arrives from a client: parsed when it comes as text, and held to what can be stored and sent again."""

from __future__ import annotations

import json
import math
from typing import Any, Final, cast

MAX_DEPTH: Final = 64
MAX_NAME_LENGTH: Final = 200
_INTEGERS: Final = range(-(2**63), 2**64)
"""What every JSON library at hand reads and writes without loss."""
_TOO_LARGE: Final = "is an integer beyond 64 bits; send it as a string"


def object_from_text(value: Any) -> Any:
    """An object argument that a client sent as a JSON string, parsed; anything else as it is.

    Raises ValueError that says what is wrong with the text; names given twice are refused, not decided.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, object_pairs_hook=_without_duplicates, parse_constant=_no_constant, parse_int=_integer)
    except RecursionError:
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"is a string that is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None


def check(value: dict[str, Any], limit: int) -> dict[str, Any]:
    """The object, if it can be stored: finite numbers, bounded depth and size (bytes of compact JSON).

    Raises ValueError that names the place.
    """
    for name in value:
        if len(name) > MAX_NAME_LENGTH:
            raise ValueError(f"has a name of {len(name)} characters; {MAX_NAME_LENGTH} are allowed")
    _check_parts(value)
    size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
    if size > limit:
        raise ValueError(f"is too large: {size:,} bytes of JSON, {limit:,} are allowed")
    return value


def _check_parts(root: dict[str, Any]) -> None:
    # A stack of our own: what is nested too deep must not exhaust Python's.
    stack: list[tuple[str, Any, int]] = [("", root, 0)]
    while stack:
        place, value, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            for name, part in cast("dict[str, Any]", value).items():
                _check_text(place, name)
                stack.append((f"{place}.{name}" if place else name, part, depth + 1))
        elif isinstance(value, list):
            parts = cast("list[Any]", value)
            stack.extend((f"{place}[{index}]", part, depth + 1) for index, part in enumerate(parts))
        else:
            _check_scalar(place, value)


def _check_scalar(place: str, value: object) -> None:
    if isinstance(value, str):
        _check_text(place, value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place} is not a finite number")
    elif isinstance(value, int) and value not in _INTEGERS:
        raise ValueError(f"{place} {_TOO_LARGE}")
    elif not (value is None or isinstance(value, bool | int | float)):
        raise ValueError(f"{place} is not JSON")


def _check_text(place: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{place or 'a name'} holds a lone surrogate, which is no character") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"gives {twice[:MAX_NAME_LENGTH]!r} more than once")
    return result


def _integer(digits: str) -> int:
    # Python itself gives up on thousands of digits, in words that help nobody here.
    if len(digits) > 100:
        raise ValueError(f"{digits[:20]}… {_TOO_LARGE}")
    return int(digits)


def _no_constant(name: str) -> Any:
    raise ValueError(f"holds {name}, which is not a finite number")
