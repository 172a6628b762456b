"""What an expression may call, and the meter that everything it does runs on.

Every function and method here is free of side effects. Whatever touches text or items pays for their size before it
starts, so that no call costs more than the budget, however large the evidence is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import GeneratorType
from typing import Any, TypeGuard

BUDGET = 1_000_000
MAX_BITS = 4_096
MAX_HASHED = 10_000
MAX_DIGITS = 400

TYPES: Mapping[str, type[Any]] = {kind.__name__: kind for kind in (str, int, float, bool, list, tuple, dict, set)}
KEYWORDS: Mapping[str, tuple[str, ...]] = {"min": ("default",), "max": ("default",), "sorted": ("reverse",)}


class ExpressionError(ValueError):
    """The expression cannot be applied to this evidence: a finding of a refusal, never a pass."""


def is_items(value: object) -> TypeGuard[Collection[Any]]:
    """Whether ``value`` holds items in its own memory."""
    return isinstance(value, list | tuple | set)


def is_mapping(value: object) -> TypeGuard[dict[Any, Any]]:
    """Whether ``value`` is a mapping, as JSON objects are."""
    return isinstance(value, dict)


def is_unfinished(value: object) -> TypeGuard[Iterator[Any]]:
    """Whether ``value`` is a comprehension whose items have not been taken yet."""
    return isinstance(value, GeneratorType)


class Meter:
    """The budget of one run."""

    def __init__(self) -> None:
        self._left = BUDGET

    def spend(self, amount: int = 1) -> None:
        """Take ``amount`` from the budget. Raises ExpressionError when it is used up."""
        self._left -= amount
        if self._left < 0:
            raise ExpressionError("it takes too many steps on this evidence")

    def touch(self, *values: object) -> None:
        """Pay for the whole of ``values``: one for each item in any depth, one more for every 64 characters."""
        pending: list[object] = list(values)
        while pending:
            value = pending.pop()
            if isinstance(value, str):
                self.spend(1 + len(value) // 64)
            elif is_items(value):
                self.spend(1 + len(value))
                pending.extend(value)
            elif is_mapping(value):
                self.spend(1 + len(value))
                pending.extend(value)
                pending.extend(value.values())
            else:
                self.spend()

    def items(self, value: Any) -> Iterator[Any]:
        """The items of ``value``, each paid for as it is taken."""
        for item in value:
            self.spend()
            yield item


def bounded(value: Any) -> Any:
    """``value``, unless it is a number without measure: NaN, infinite, complex or of more than 4,096 bits."""
    match value:
        case float() if not math.isfinite(value):
            raise ExpressionError("a number is not finite")
        case int() if value.bit_length() > MAX_BITS:
            raise ExpressionError("a number is too large")
        case complex():
            raise ExpressionError("a number is not real")
        case _:
            return value


def truth(value: Any) -> bool:
    """Whether ``value`` counts as true; an unfinished comprehension has no truth."""
    if is_unfinished(value):
        raise ExpressionError("a comprehension has to be used, by any(…), all(…) or len([…])")
    return bool(value)


def hashed(values: Iterable[Any]) -> set[Any]:
    """The set of ``values``, bounded since chosen numbers can make hashing quadratic."""
    found: set[Any] = set()
    for value in values:
        found.add(value)
        if len(found) > MAX_HASHED:
            raise ExpressionError(f"a set holds at most {MAX_HASHED} items")
    return found


def _gathered(meter: Meter, value: Any) -> list[Any]:
    found = list(meter.items(value))
    meter.touch(found)
    return found


_PLAIN: Mapping[str, Callable[[Any], Any]] = {"abs": abs, "bool": truth, "len": len}
FUNCTIONS = frozenset(
    {"abs", "bool", "float", "int", "len", "range", "round", "str"}
    | {"all", "any", "list", "max", "min", "set", "sorted", "sum", "tuple"}
)


def call_function(meter: Meter, name: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The result of ``name(*arguments, **options)``."""
    match name, arguments:
        case ("abs" | "bool" | "len", [value]):
            return _PLAIN[name](value)
        case ("round", [value, *digits]):
            if any(abs(places) > MAX_DIGITS for places in digits):
                raise ExpressionError("it rounds to too many digits")
            return round(value, *digits)
        case ("range", [_, *_]):
            return range(*arguments)
        case ("str" | "int" | "float", [_, *_]):
            meter.touch(*arguments)
            return bounded(TYPES[name](*arguments))
        case ("min" | "max", [_, _, *_]):
            return _of_items(meter, name, list(arguments), options)
        case ("list" | "set" | "tuple", []):
            return _of_items(meter, name, (), options)
        case (_, [items]):
            return _of_items(meter, name, items, options)
        case _:
            raise ExpressionError(f"'{name}' does not take {len(arguments)} values")


def _of_items(meter: Meter, name: str, items: Any, options: Mapping[str, Any]) -> Any:
    if name in {"any", "all"}:
        wanted = name == "any"
        return next((wanted for item in meter.items(items) if truth(item) is wanted), not wanted)
    found = _gathered(meter, items)
    match name:
        case "min":
            return min(found, **options)
        case "max":
            return max(found, **options)
        case "sum":
            return _sum(found)
        case "set":
            return hashed(found)
        case "tuple":
            return tuple(found)
        case "sorted":
            for _ in range(len(found).bit_length()):
                meter.touch(found)
            return sorted(found, **options)
        case _:
            return found


def _sum(items: Iterable[Any]) -> Any:
    total: int | float = 0
    for item in items:
        if not isinstance(item, int | float):
            raise ExpressionError("only numbers can be summed")
        total = bounded(total + item)
    return total


_TEXT_METHODS = frozenset({
    "lower", "upper", "casefold", "title", "capitalize", "strip", "lstrip", "rstrip", "removeprefix",
    "removesuffix", "startswith", "endswith", "split", "rsplit", "splitlines", "partition", "rpartition",
    "replace", "join", "find", "rfind", "index", "count", "isdigit", "isalpha", "isalnum", "isdecimal",
    "isnumeric", "isspace", "islower", "isupper", "istitle", "isidentifier",
})  # fmt: skip
# CPython searches backwards and strips in the product of both lengths.
_QUADRATIC = frozenset({"strip", "lstrip", "rstrip", "rfind", "rsplit", "rpartition"})
_SPLITTING = frozenset({"split", "rsplit", "splitlines"})
_METHODS_OF: Mapping[str, frozenset[str]] = {
    "str": _TEXT_METHODS,
    "dict": frozenset({"get", "keys", "values", "items"}),
    "list": frozenset({"index", "count"}),
    "tuple": frozenset({"index", "count"}),
    "set": frozenset({"issubset", "issuperset", "isdisjoint", "union", "intersection", "difference"}),
}
METHODS = frozenset[str]().union(*_METHODS_OF.values())


def call_method(meter: Meter, target: Any, name: str, arguments: Sequence[Any]) -> Any:
    """The result of ``target.name(*arguments)``. Raises ExpressionError where ``target`` has no such method."""
    if name not in _METHODS_OF.get(type(target).__name__, ()):
        raise ExpressionError(f"'{name}' cannot be asked of this value")
    if isinstance(target, str):
        return _of_text(meter, target, name, arguments)
    if is_mapping(target):
        return _of_mapping(meter, target, name, arguments)
    given = [_gathered(meter, argument) if is_unfinished(argument) else argument for argument in arguments]
    meter.touch(target, *given)
    found = getattr(target, name)(*given)
    return hashed(found) if is_items(found) else found


def _of_mapping(meter: Meter, target: dict[Any, Any], name: str, arguments: Sequence[Any]) -> Any:
    if name == "get":
        return target.get(*arguments)
    meter.spend(len(target))
    return list(getattr(target, name)(*arguments))


def _of_text(meter: Meter, target: str, name: str, arguments: Sequence[Any]) -> Any:
    if name == "join":
        parts = _gathered(meter, *arguments)
        meter.spend(len(target) * len(parts) // 64)
        return target.join(parts)
    meter.touch(target, *arguments)
    sizes = [len(argument) for argument in arguments if isinstance(argument, str)]
    if name in _QUADRATIC:
        meter.spend(len(target) * sum(sizes) // 64)
    if name in _SPLITTING:
        meter.spend(len(target) // 4)
    if name == "replace" and len(sizes) == 2:
        meter.spend((len(target) // max(1, sizes[0]) + 1) * sizes[1] // 64)
    return getattr(target, name)(*arguments)
