"""The validators that a field of the evidence may name, and the parameters that each one takes.

=================  ======================================  =======================================================
validator          its parameter, in any of the spellings  the value
=================  ======================================  =======================================================
positive                                                   a number above 0
non_negative                                               a number not below 0
non_empty                                                  text that is not blank, a list or object with items
is_true, is_false                                          that boolean
equals             value, expected, equals                 that value (``true`` is not 1)
one_of             values, options, choices, allowed       one of those values
min_value          value, min, min_value, min_val,         a number not below the bound
                   minimum, at_least
max_value          value, max, max_value, max_val,         a number not above the bound
                   maximum, at_most
between            both, as above without ``value``        a number within the bounds, which belong to it
min_length         value, min, length, min_length,         text, a list or an object of at least that length
                   min_len, min_count, minimum, at_least
max_length         value, max, length, max_length,         text, a list or an object of at most that length
                   max_len, max_count, maximum, at_most
contains           value, text, substring, item            text with that part, a list or object with that item
contains_any       values, items, patterns, texts          … with one of those
contains_all       values, items, patterns, texts          … with each of those
matches            pattern, regex, value                   text in which the regular expression is found
file_exists                                                the path of a file of the project, or a list of such
is_url                                                     an http or https address
is_iso_date                                                a date, or a date and time, as ISO 8601 writes it
=================  ======================================  =======================================================

A gate may define its own under ``validators``, or write a lambda in the place of the name: a lambda of the value, and
of the ``validator_params`` by their names. One of its own hides the built-in of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_server.domain import conditions
from mcp_server.domain.conditions import Condition, ParameterError, Probes
from mcp_server.domain.definition import Field, Gate
from mcp_server.domain.expressions import ForbiddenExpressionError, compile_expression
from mcp_server.domain.suggestions import did_you_mean


class InvalidValidatorError(ValueError):
    """A field names a validator that does not exist, or gives it parameters that it does not take."""


_LOWER = ("min", "min_value", "min_val", "minimum", "at_least")
_UPPER = ("max", "max_value", "max_val", "maximum", "at_most")
_SHORTEST = ("min", "min_length", "min_len", "min_count", "minimum", "at_least")
_LONGEST = ("max", "max_length", "max_len", "max_count", "maximum", "at_most")
_PARTS = ("values", "items", "patterns", "texts")


@dataclass(frozen=True, slots=True)
class _BuiltIn:
    """What builds the condition, and the spellings of each parameter in the order in which it takes them."""

    build: Callable[..., Condition]
    parameters: tuple[tuple[str, ...], ...] = ()


def _containing(quantifier: Callable[[Iterable[bool]], bool]) -> Callable[[object], Condition]:
    return lambda parts: conditions.containing(parts, quantifier)


_BUILT_IN: Mapping[str, _BuiltIn] = {
    "positive": _BuiltIn(conditions.above_zero),
    "non_negative": _BuiltIn(lambda: conditions.at_least(0)),
    "non_empty": _BuiltIn(conditions.non_empty),
    "is_true": _BuiltIn(lambda: conditions.equal(True)),
    "is_false": _BuiltIn(lambda: conditions.equal(False)),
    "equals": _BuiltIn(conditions.equal, (("value", "expected", "equals"),)),
    "one_of": _BuiltIn(conditions.one_of, (("values", "options", "choices", "allowed"),)),
    "min_value": _BuiltIn(conditions.at_least, (("value", *_LOWER),)),
    "max_value": _BuiltIn(conditions.at_most, (("value", *_UPPER),)),
    "between": _BuiltIn(conditions.between, (_LOWER, _UPPER)),
    "min_length": _BuiltIn(conditions.min_length, (("value", "length", *_SHORTEST),)),
    "max_length": _BuiltIn(conditions.max_length, (("value", "length", *_LONGEST),)),
    "contains": _BuiltIn(conditions.containing_one, (("value", "text", "substring", "item"),)),
    "contains_any": _BuiltIn(_containing(any), (_PARTS,)),
    "contains_all": _BuiltIn(_containing(all), (_PARTS,)),
    "matches": _BuiltIn(conditions.matching, (("pattern", "regex", "value"),)),
    "file_exists": _BuiltIn(conditions.existing_file),
    "is_url": _BuiltIn(conditions.url),
    "is_iso_date": _BuiltIn(conditions.iso_date),
}
BUILT_IN = frozenset(_BUILT_IN)


def condition_of(field: Field, gate: Gate) -> Condition | None:
    """What ``field`` puts on its value beside the type, None when it names no validator.

    Raises InvalidValidatorError.
    """
    name = field.validator
    if name is None:
        if field.validator_params:
            raise InvalidValidatorError("validator_params are given without a validator")
        return None
    own = gate.validators.get(name, name if name.lstrip().startswith("lambda") else None)
    try:
        if own is not None:
            return _own(own, field.validator_params)
        if name in _BUILT_IN:
            return _built_in(name, field.validator_params)
    except (ForbiddenExpressionError, ParameterError) as error:
        raise InvalidValidatorError(f"the validator '{name}' cannot be used: {error}") from None
    raise InvalidValidatorError(f"there is no validator '{name}'{did_you_mean(name, BUILT_IN.union(gate.validators))}")


def _built_in(name: str, given: Mapping[str, Any]) -> Condition:
    built_in = _BUILT_IN[name]
    unknown = dict(given)
    values: list[Any] = []
    for spellings in built_in.parameters:
        found = [spelling for spelling in spellings if spelling in unknown]
        if len(found) != 1:
            raise ParameterError(f"it takes one parameter '{spellings[0]}' (also: {', '.join(spellings[1:])})")
        values.append(unknown.pop(found[0]))
    if unknown:
        raise ParameterError(f"it does not take the parameter '{next(iter(unknown))}'")
    return built_in.build(*values)


def _own(text: str, given: Mapping[str, Any]) -> Condition:
    expression = compile_expression(text)
    names = expression.parameters[1:]
    if set(names) != set(given):
        wanted = ", ".join(names) or "none"
        raise ParameterError(f"its parameters are {wanted}, given are {', '.join(given) or 'none'}")
    bound = [given[name] for name in names]

    def accepts(value: Any, _: Probes) -> bool:
        return bool(expression(value, *bound))

    return Condition(accepts, "does not satisfy its condition")
