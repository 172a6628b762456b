"""The conditions that the built-in validators put on a value.

A condition says no to whatever it cannot judge: a value of another kind, NaN, infinity. What it publishes (``schema``)
and what it answers (``problem``) never hold the one value that would satisfy it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from mcp_server.domain.values import is_empty, is_integer, is_list, is_number, is_object, same, size_of


class Probes(Protocol):
    """What a rule needs to know of the world."""

    def file_exists(self, path: str) -> bool:
        """Whether ``path``, relative to the project root and inside it, is a file that is there."""
        ...

    def matches(self, pattern: str, text: str) -> bool:
        """Whether ``pattern`` is found in ``text``. Raises when that cannot be told in bounded time."""
        ...


@dataclass(frozen=True, slots=True)
class Condition:
    """What a value has to satisfy, how a refusal says so, and what the published schema tells of it beforehand.

    ``detail`` says more of a value that does not satisfy it, in terms of that value alone.
    """

    accepts: Callable[[Any, Probes], bool]
    problem: str
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])
    detail: Callable[[Any, Probes], str] | None = None

    def refusal(self, value: Any, probes: Probes) -> str:
        """What is wrong with a value that does not satisfy the condition."""
        return f"{self.problem}: {self.detail(value, probes)}" if self.detail else self.problem


_NAMED, _NAMED_LENGTH = 5, 120
"""How many of the paths that are missing a refusal names, and how much of each."""


_READABLE = 60
"""How long a regular expression is that says more to a reader than the description of the field."""


class ParameterError(ValueError):
    """A parameter that no condition can be made of; the message says what it has to be."""


def above_zero() -> Condition:
    """A number above 0."""
    return Condition(lambda value, _: is_number(value) and value > 0, "has to be above 0", {"exclusiveMinimum": 0})


def at_least(bound: object) -> Condition:
    """A number not below ``bound``."""
    low = _number(bound)
    schema = {"minimum": low}
    return Condition(lambda value, _: is_number(value) and value >= low, f"has to be at least {low}", schema)


def at_most(bound: object) -> Condition:
    """A number not above ``bound``."""
    high = _number(bound)
    schema = {"maximum": high}
    return Condition(lambda value, _: is_number(value) and value <= high, f"has to be at most {high}", schema)


def between(lower: object, upper: object) -> Condition:
    """A number within the bounds, which belong to it; where they leave one number only, they are not told."""
    low, high = _number(lower), _number(upper)
    if low > high:
        raise ParameterError("the lower bound is above the upper one")
    if low == high:
        return equal(low)
    schema = {"minimum": low, "maximum": high}
    problem = f"has to be between {low} and {high}"
    return Condition(lambda value, _: is_number(value) and low <= value <= high, problem, schema)


def equal(wanted: object) -> Condition:
    """That very value, which is not told."""
    return Condition(lambda value, _: same(value, wanted), "is not what is asked for")


def one_of(values: object) -> Condition:
    """One of the values; they are told where there are several."""
    allowed: list[Any] = []
    for value in _list(values):
        if not any(same(value, known) for known in allowed):
            allowed.append(value)
    if len(allowed) == 1:
        return equal(allowed[0])
    problem = f"has to be one of {', '.join(map(repr, allowed))}"
    return Condition(lambda value, _: any(same(value, known) for known in allowed), problem, {"enum": allowed})


def non_empty() -> Condition:
    """Text that is not blank, or a list or an object with items."""
    schema = {"pattern": r"\S", "minItems": 1, "minProperties": 1}
    return Condition(lambda value, _: size_of(value) > 0 and not is_empty(value), "must not be empty", schema)


def min_length(bound: object) -> Condition:
    """Text, a list or an object of at least that length."""
    low = _count(bound)
    problem = f"has to be at least {low} long"
    return Condition(lambda value, _: size_of(value) >= low, problem, _sized("min", low), _length)


def max_length(bound: object) -> Condition:
    """Text, a list or an object of at most that length."""
    high = _count(bound)
    problem = f"has to be at most {high} long"
    return Condition(lambda value, _: 0 <= size_of(value) <= high, problem, _sized("max", high), _length)


def _length(value: Any, _: Probes) -> str:
    size = size_of(value)
    unit = "character" if isinstance(value, str) else "item"
    return f"it has {size} {unit}{'' if size == 1 else 's'}" if size >= 0 else "it has no length"


def containing(parts: object, quantifier: Callable[[Iterable[bool]], bool]) -> Condition:
    """Text with such parts, or a list or an object with such items; the parts are not told."""
    wanted = _list(parts)
    return Condition(
        lambda value, _: quantifier(_contains(value, part) for part in wanted), "does not contain what is asked for"
    )


def containing_one(part: object) -> Condition:
    """Text with that part, or a list or an object with that item; the part is not told."""
    return containing([part], all)


def matching(pattern: object) -> Condition:
    """Text in which the regular expression is found."""
    if not isinstance(pattern, str):
        raise ParameterError("the pattern has to be text")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ParameterError(f"the pattern is no regular expression: {error}") from None
    return Condition(
        lambda value, probes: isinstance(value, str) and probes.matches(pattern, value),
        f"does not match the pattern {pattern}"
        if len(pattern) <= _READABLE
        else "is not what its description asks for",
        {"pattern": pattern},
    )


def existing_file() -> Condition:
    """The path of a file of the project, or a list of such paths that is not empty."""

    def missing(value: Any, probes: Probes) -> list[Any]:
        paths = value if is_list(value) else [value]
        return [path for path in paths if not (isinstance(path, str) and probes.file_exists(path))]

    def accepts(value: Any, probes: Probes) -> bool:
        return value != [] and not missing(value, probes)

    def detail(value: Any, probes: Probes) -> str:
        named = [repr(path)[:_NAMED_LENGTH] for path in missing(value, probes)[:_NAMED]]
        return f"{', '.join(named)} is not there" if named else "none is named"

    return Condition(accepts, "has to be the path of an existing file, relative to the project root", detail=detail)


def url() -> Condition:
    """An http or https address."""
    return Condition(
        lambda value, _: isinstance(value, str) and _is_url(value), "has to be an http(s) URL", {"format": "uri"}
    )


def iso_date() -> Condition:
    """A date, or a date and time, as ISO 8601 writes it."""
    return Condition(
        lambda value, _: isinstance(value, str) and _is_iso_date(value),
        "has to be an ISO 8601 date, such as 2030-01-31",
    )


def _number(value: object) -> int | float:
    if not is_number(value):
        raise ParameterError("the bound has to be a number")
    return value


def _count(value: object) -> int:
    if not is_integer(value) or value < 0:
        raise ParameterError("the length has to be an integer not below 0")
    return value


def _list(value: object) -> list[Any]:
    if not is_list(value) or not value:
        raise ParameterError("the values have to be a list that is not empty")
    return value


def _sized(end: str, bound: int) -> dict[str, Any]:
    return {f"{end}{part}": bound for part in ("Length", "Items", "Properties")}


def _contains(value: Any, part: Any) -> bool:
    if isinstance(value, str):
        return isinstance(part, str) and part in value
    return (is_list(value) or is_object(value)) and any(same(item, part) for item in value)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not any(map(str.isspace, text))
    except ValueError:
        return False


def _is_iso_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
