"""Each validator: which values satisfy it, which parameters it takes, and what it tells beforehand."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from mcp_server.domain.conditions import Condition
from mcp_server.domain.definition import Field, Gate
from mcp_server.domain.validators import BUILT_IN, InvalidValidatorError, condition_of

pytestmark = pytest.mark.unit


class World:
    """A world with one file, in which patterns are substrings."""

    def file_exists(self, path: str) -> bool:
        return path == "there.md"

    def matches(self, pattern: str, text: str) -> bool:
        return pattern in text


def condition(validator: str, params: dict[str, Any] | None = None, **own: str) -> Condition:
    field = Field(name="f", validator=validator, validator_params=params or {})
    found = condition_of(field, Gate(fields=(field,), validators=own, origin="file"))
    assert found is not None
    return found


def accepts(validator: str, params: dict[str, Any] | None, value: object) -> bool:
    return condition(validator, params).accepts(value, World())


CASES: list[tuple[str, dict[str, Any] | None, list[Any], list[Any]]] = [
    ("positive", None, [1, 0.1], [0, -1, "1", True, None]),
    ("non_negative", None, [0, 2.5], [-1, -0.1, False, "0"]),
    ("non_empty", None, ["a", [0], {"a": 1}], ["", " \n", [], {}, 0, 1, True, None]),
    ("is_true", None, [True], [False, 1, "true", None]),
    ("is_false", None, [False], [True, 0, "", None]),
    ("equals", {"value": 3}, [3, 3.0], [4, "3", True]),
    ("equals", {"expected": True}, [True], [1, "true"]),
    ("equals", {"equals": [1, {"a": False}]}, [[1, {"a": False}]], [[1, {"a": 0}], [1], [1, {"b": False}]]),
    ("one_of", {"values": ["a", 1]}, ["a", 1], ["b", True, ["a"]]),
    ("one_of", {"options": ["a"]}, ["a"], ["b"]),
    ("one_of", {"choices": ["a", "a"]}, ["a"], ["b"]),
    ("one_of", {"allowed": [True, False]}, [True, False], [1, 0]),
    ("min_value", {"value": 3}, [3, 4.5], [2, True, "3"]),
    ("min_value", {"min": -1.5}, [-1.5], [-2]),
    ("min_value", {"min_val": 1}, [1], [0]),
    ("min_value", {"minimum": 1}, [1], [0]),
    ("max_value", {"value": 3}, [3, -4.5], [4, False, "3"]),
    ("max_value", {"max": 3}, [3], [4]),
    ("max_value", {"max_val": 3}, [3], [4]),
    ("between", {"min": 1, "max": 2}, [1, 1.5, 2], [0.9, 2.1, "1", True]),
    ("between", {"min_val": 1, "max_value": 2}, [2], [3]),
    ("between", {"minimum": 2, "maximum": 2}, [2], [1, 3]),
    ("min_length", {"value": 2}, ["ab", [1, 2], {"a": 1, "b": 2}], ["a", [1], {}, 22, None]),
    ("min_length", {"min_len": 1}, ["a"], [""]),
    ("min_length", {"length": 1}, ["a"], [""]),
    ("min_length", {"min_count": 1}, [[1]], [[]]),
    ("max_length", {"value": 1}, ["", "a", [1]], ["ab", [1, 2], 1, None]),
    ("max_length", {"max": 1}, ["a"], ["ab"]),
    ("contains", {"value": "ok"}, ["it is ok", ["ok"], {"ok": 1}], ["no", ["it is ok"], 1, None]),
    ("contains", {"text": 3}, [[3]], ["3", [True]]),
    ("contains_any", {"values": ["a", "b"]}, ["xbx", ["a"]], ["x", []]),
    ("contains_any", {"patterns": ["a", "b"]}, ["a"], ["c"]),
    ("contains_all", {"values": ["a", "b"]}, ["ab", ["b", "a"]], ["a", ["b"]]),
    ("contains_all", {"items": ["a"]}, ["a"], ["b"]),
    ("matches", {"pattern": "ab+"}, ["an ab+ here"], ["abb", 3, None]),
    ("matches", {"regex": "x"}, ["x"], ["y"]),
    ("file_exists", None, ["there.md", ["there.md", "there.md"]], ["gone.md", ["there.md", "gone.md"], [], [3], 3]),
    (
        "is_url",
        None,
        ["https://example.org/a?b#c", "http://localhost:8000"],
        ["example.org", "ftp://example.org", "https://", "https://exa mple.org", "http://[::1", 3],
    ),
    (
        "is_iso_date",
        None,
        ["2030-01-31", "2030-01-31T10:00:00Z", "2030-01-31T10:00:00+02:00"],
        ["2030-02-31", "31.01.2030", "", "tomorrow", 20300131],
    ),
]


@pytest.mark.requirement("format:validators")
@pytest.mark.parametrize(("validator", "params", "good", "bad"), CASES)
def test_a_validator_accepts_what_it_names_and_nothing_else(
    validator: str, params: dict[str, Any] | None, good: list[object], bad: list[object]
) -> None:
    assert [value for value in good if not accepts(validator, params, value)] == []
    assert [value for value in [*bad, math.nan, math.inf, -math.inf] if accepts(validator, params, value)] == []


@pytest.mark.requirement("format:validators")
def test_every_built_in_validator_has_its_cases() -> None:
    assert {validator for validator, *_ in CASES} == BUILT_IN


@pytest.mark.parametrize(
    ("validator", "params", "schema"),
    [
        ("positive", None, {"exclusiveMinimum": 0}),
        ("non_negative", None, {"minimum": 0}),
        ("min_value", {"value": 3}, {"minimum": 3}),
        ("max_value", {"value": 3}, {"maximum": 3}),
        ("between", {"min": 3, "max": 4}, {"minimum": 3, "maximum": 4}),
        ("min_length", {"value": 3}, {"minLength": 3, "minItems": 3, "minProperties": 3}),
        ("max_length", {"value": 3}, {"maxLength": 3, "maxItems": 3, "maxProperties": 3}),
        ("matches", {"pattern": "^a"}, {"pattern": "^a"}),
        ("one_of", {"values": ["a", "b", "a"]}, {"enum": ["a", "b"]}),
        ("is_url", None, {"format": "uri"}),
    ],
)
def test_bounds_and_patterns_are_told_beforehand(
    validator: str, params: dict[str, Any] | None, schema: dict[str, Any]
) -> None:
    assert condition(validator, params).schema == schema


@pytest.mark.parametrize(
    ("validator", "params"),
    [
        ("equals", {"value": "sesame"}),
        ("one_of", {"values": ["sesame"]}),
        ("one_of", {"values": ["sesame", "sesame"]}),
        ("contains", {"value": "sesame"}),
        ("contains_any", {"values": ["sesame", "rice"]}),
        ("contains_all", {"values": ["sesame", "rice"]}),
    ],
)
def test_the_value_that_opens_the_gate_is_told_nowhere(validator: str, params: dict[str, Any]) -> None:
    found = condition(validator, params)
    assert "sesame" not in found.problem + json.dumps(dict(found.schema))


@pytest.mark.parametrize("validator", ["is_true", "is_false"])
def test_which_boolean_opens_the_gate_is_told_nowhere(validator: str) -> None:
    found = condition(validator)
    assert (found.problem, found.schema) == (condition("equals", {"value": 1}).problem, {})


def test_bounds_that_leave_one_number_are_not_told() -> None:
    found = condition("between", {"min": 7, "max": 7})
    assert (found.schema, "7" in found.problem) == ({}, False)


@pytest.mark.parametrize(
    ("validator", "params", "reason"),
    [
        ("unknown", {}, "there is no validator 'unknown'"),
        ("positive", {"value": 1}, "does not take the parameter 'value'"),
        ("equals", {}, "takes one parameter 'value'"),
        ("equals", {"value": 1, "expected": 1}, "takes one parameter 'value'"),
        ("equals", {"wert": 1}, "takes one parameter 'value'"),
        ("min_value", {"value": "3"}, "bound has to be a number"),
        ("min_value", {"value": math.nan}, "bound has to be a number"),
        ("max_value", {"value": math.inf}, "bound has to be a number"),
        ("min_value", {"value": True}, "bound has to be a number"),
        ("between", {"min": 1}, "takes one parameter 'max'"),
        ("between", {"min": 2, "max": 1}, "lower bound is above"),
        ("min_length", {"value": -1}, "length has to be an integer"),
        ("max_length", {"value": 1.5}, "length has to be an integer"),
        ("one_of", {"values": "abc"}, "have to be a list"),
        ("one_of", {"values": []}, "have to be a list"),
        ("contains_any", {"values": {}}, "have to be a list"),
        ("matches", {"pattern": 3}, "pattern has to be text"),
        ("matches", {"pattern": "("}, "no regular expression"),
        ("lambda x: open(x)", {}, "function 'open' is not allowed"),
        ("lambda x, low: x > low", {}, "its parameters are low, given are none"),
        ("lambda x: x > 1", {"low": 1}, "its parameters are none, given are low"),
    ],
)
def test_a_validator_that_cannot_be_used_says_so_at_once(validator: str, params: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidValidatorError, match=reason):
        condition(validator, params)


def test_parameters_without_a_validator_are_refused() -> None:
    field = Field(name="f", validator_params={"value": 1})
    with pytest.raises(InvalidValidatorError, match="without a validator"):
        condition_of(field, Gate(fields=(field,)))


def test_a_field_without_a_validator_has_no_condition() -> None:
    field = Field(name="f")
    assert condition_of(field, Gate(fields=(field,))) is None


def test_a_gate_can_bring_its_own_validator_with_parameters() -> None:
    own = condition(
        "in_range", {"max_val": 5, "min_val": 3}, in_range="lambda x, min_val, max_val: min_val <= x <= max_val"
    )
    assert [value for value in range(10) if own.accepts(value, World())] == [3, 4, 5]


def test_a_validator_of_the_gate_hides_the_built_in_of_its_name() -> None:
    assert condition("positive", None, positive="lambda x: x > 5").accepts(3, World()) is False


def test_a_lambda_can_stand_in_the_place_of_the_name() -> None:
    assert condition("lambda x: len(x) >= 3").accepts(["a"], World()) is False


def test_a_refused_path_is_named_among_those_that_are_there() -> None:
    existing = condition("file_exists")
    assert existing.refusal(["there.md", "gone.md", 3], World()).endswith(": 'gone.md', 3 is not there")
    assert existing.refusal([], World()).endswith(": none is named")


@pytest.mark.parametrize(
    ("value", "said"),
    [("too short", "9 characters"), ("a", "1 character"), ("", "0 characters"), ([1], "1 item"), ({}, "0 items")],
)
def test_a_length_is_told_in_what_is_counted(value: object, said: str) -> None:
    shortest = condition("min_length", {"value": 20})
    assert shortest.refusal(value, World()) == f"has to be at least 20 long: it has {said}"
    assert shortest.refusal(7, World()) == "has to be at least 20 long: it has no length"
