"""The judgement: all findings at once, fail closed, and never a word of what would open the gate."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mcp_server.domain.defects import defects, doubts
from mcp_server.domain.definition import Field, FieldType, Gate, GateOrigin, Rule
from mcp_server.domain.gates import Accepted, Finding, Verdict, evidence_schema, judge, required_names

pytestmark = pytest.mark.unit


class World:
    """A world without files, in which matching takes too long."""

    def file_exists(self, path: str) -> bool:
        return not path

    def matches(self, pattern: str, text: str) -> bool:
        raise TimeoutError(pattern + text)


def gate(*fields: Field, strict: bool = True, origin: GateOrigin = "file", rules: tuple[Rule, ...] = ()) -> Gate:
    return Gate(fields=fields, strict=strict, origin=origin, rules=rules)


def judged(found: Gate, /, **evidence: object) -> Verdict:
    return judge(found, evidence, World())


def only(field_type: FieldType, /, **options: Any) -> Gate:
    return gate(Field(name="f", type=field_type, **options))


VALUES: list[object] = [True, 0, 1.5, "", {}, []]


@pytest.mark.requirement("format:types")
@pytest.mark.parametrize(
    ("field_type", "taken"),
    [
        ("boolean", "[True]"),
        ("integer", "[0]"),
        ("number", "[0, 1.5]"),
        ("float", "[0, 1.5]"),
        ("string", "['']"),
        ("object", "[{}]"),
        ("list", "[[]]"),
        ("any", repr(VALUES)),
    ],
)
def test_a_field_takes_values_of_its_type_and_no_other(field_type: FieldType, taken: str) -> None:
    assert repr([value for value in VALUES if judged(only(field_type), f=value).outcome == "passed"]) == taken


@pytest.mark.requirement("format:types")
@pytest.mark.parametrize(
    ("field_type", "value", "problem"),
    [
        ("integer", True, "has to be an integer, not a boolean"),
        ("integer", 1.0, "has to be an integer, not a number"),
        ("boolean", 1, "has to be a boolean, not an integer"),
        ("string", [1], "has to be a string, not a list"),
        ("list", {"a": 1}, "has to be a list, not an object"),
        ("number", "1", "has to be a number, not a string"),
        ("object", math.pi, "has to be an object, not a number"),
    ],
)
def test_a_wrong_type_is_named_with_the_right_one(field_type: FieldType, value: object, problem: str) -> None:
    assert judged(only(field_type), f=value).findings == (Finding("f", problem),)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [1, {"a": [math.nan]}]])
@pytest.mark.parametrize("field_type", ["number", "any", "list"])
def test_a_number_that_is_not_finite_satisfies_nothing(field_type: FieldType, value: object) -> None:
    verdict = judged(only(field_type, required=False), f=value)
    assert verdict.findings == (Finding("f", "holds a number that is not finite"),)


def test_a_number_that_is_not_finite_is_refused_in_unknown_fields_too() -> None:
    assert judged(only("any"), f=1, other=math.inf).outcome == "refused"


def test_what_is_required_and_absent_or_null_is_missing() -> None:
    verdict = judged(gate(Field(name="a"), Field(name="b"), Field(name="c", required=False)), a=None)
    assert (verdict.outcome, verdict.missing, verdict.findings) == ("refused", ("a", "b"), ())


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = gate(
        Field(name="absent"),
        Field(name="kind", type="integer"),
        Field(name="bound", type="integer", validator="positive"),
        Field(name="optional", type="string", required=False),
        Field(name="a", type="integer"),
        Field(name="b", type="integer"),
        rules=(Rule(expression="lambda e: e['a'] > e['b']", error_message="a has to exceed b"),),
    )
    verdict = judged(found, kind="x", bound=0, optional=1, a=1, b=2)
    assert verdict.missing == ("absent",)
    assert [finding.field for finding in verdict.findings] == ["kind", "bound", "optional", "a, b"]
    assert verdict.findings[-1].problem == "a has to exceed b"
    assert verdict.accepted == ()


@pytest.mark.requirement("format:false-is-not-shown")
def test_a_required_boolean_that_is_false_has_not_been_shown() -> None:
    assert judged(only("boolean"), f=False).findings == (Finding("f", "has not been shown"),)
    assert judged(only("any"), f=False).findings == (Finding("f", "has not been shown"),)


def test_an_optional_boolean_may_be_false() -> None:
    assert judged(only("boolean", required=False), f=False).outcome == "passed"


@pytest.mark.requirement("format:false-is-not-shown")
@pytest.mark.parametrize(
    "validator",
    [
        {"validator": "is_false"},
        {"validator": "equals", "validator_params": {"value": False}},
        {"validator": "lambda x: not x"},
    ],
)
def test_false_is_shown_where_the_validator_wants_it(validator: dict[str, Any]) -> None:
    assert judged(only("boolean", **validator), f=False).outcome == "passed"
    assert judged(only("boolean", **validator), f=True).outcome == "refused"


def test_a_validator_that_takes_either_boolean_does_not_make_false_shown() -> None:
    assert judged(only("boolean", validator="lambda x: isinstance(x, bool)"), f=False).outcome == "refused"


@pytest.mark.requirement("format:required-evidence")
@pytest.mark.parametrize("origin", ["required_evidence", "validation_criteria", "fallback"])
@pytest.mark.parametrize("empty", ["", "  ", [], {}])
def test_without_a_gate_file_an_empty_value_is_missing(origin: GateOrigin, empty: object) -> None:
    assert judged(gate(Field(name="f"), origin=origin), f=empty).missing == ("f",)


@pytest.mark.requirement("format:required-evidence")
def test_without_a_gate_file_zero_is_a_value_and_false_is_not() -> None:
    found = gate(Field(name="f"), origin="required_evidence")
    assert judged(found, f=0).outcome == "passed"
    assert judged(found, f=False).outcome == "refused"


@pytest.mark.requirement("format:unknown-evidence")
def test_unknown_fields_are_kept_as_attested() -> None:
    verdict = judged(gate(Field(name="b"), Field(name="a")), z=1, a=1, b=2)
    assert verdict.outcome == "passed"
    assert verdict.accepted == tuple(Accepted(name, "attested") for name in ("b", "a", "z"))


@pytest.mark.requirement("format:not-strict")
def test_a_lenient_gate_turns_a_wrong_optional_field_into_a_warning_and_nothing_else() -> None:
    found = gate(
        Field(name="optional", type="integer", required=False),
        Field(name="required", type="integer"),
        strict=False,
    )
    assert judged(found, optional="x", required="x").findings == (
        Finding("required", "has to be an integer, not a string"),
    )
    verdict = judged(found, optional="x", required=1)
    assert verdict.outcome == "passed"
    assert verdict.warnings == ("optional: has to be an integer, not a string",)
    assert [accepted.name for accepted in verdict.accepted] == ["required"]
    assert judged(found, optional=1).outcome == "refused"


def test_a_probe_that_raises_refuses() -> None:
    verdict = judged(only("string", validator="matches", validator_params={"pattern": "a"}), f="a")
    assert verdict.findings == (Finding("f", "cannot be judged (TimeoutError)"),)


@pytest.mark.requirement("format:rule-that-raises")
def test_a_validator_that_raises_refuses() -> None:
    verdict = judged(only("any", validator="lambda x: x['k'] > 1"), f={})
    assert verdict.findings == (Finding("f", "cannot be judged: it needs 'k'"),)


def test_evidence_nested_without_end_refuses_instead_of_crashing() -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    verdict = judged(only("list", validator="equals", validator_params={"value": deep}), f=[deep[0]])
    assert verdict.outcome == "refused"


def rule(expression: str) -> tuple[Rule, ...]:
    return (Rule(expression=expression, error_message="does not add up"),)


def test_a_rule_over_what_is_already_reported_is_not_judged() -> None:
    found = gate(Field(name="a", type="integer"), rules=rule("lambda e: e['a'] > 1"))
    assert judged(found).findings == ()
    assert len(judged(found, a="x").findings) == 1


@pytest.mark.requirement("format:rule-that-raises")
def test_a_rule_that_raises_is_a_finding_with_its_message() -> None:
    verdict = judged(gate(Field(name="a", required=False), rules=rule("lambda e: e['a'] > 1")))
    assert verdict.findings == (Finding("a", "cannot be judged (it needs 'a'): does not add up", ("a",)),)


def test_a_rule_sees_fields_that_only_earned_a_warning() -> None:
    found = gate(Field(name="a", type="integer", required=False), strict=False, rules=rule("lambda e: e['a'] == 'x'"))
    assert judged(found, a="x").outcome == "passed"
    assert judged(found, a="y").findings == (Finding("a", "does not add up", ("a",)),)


def test_a_rule_over_no_field_by_name_speaks_of_the_evidence() -> None:
    assert judged(gate(rules=rule("lambda e: len(e) > 1")), a=1).findings == (Finding("evidence", "does not add up"),)


def test_a_gate_that_is_invalid_blocks_and_says_why() -> None:
    verdict = judged(Gate(problem="the gate is invalid: line 3", fields=(Field(name="f"),)), f=1)
    assert verdict == Verdict("blocked", blocked_by=("the gate is invalid: line 3",))


@pytest.mark.requirement("format:newer-key-blocks")
def test_a_gate_with_an_unknown_key_blocks_and_names_it() -> None:
    verdict = judged(Gate(unsupported=("checks", "budget")))
    assert verdict.outcome == "blocked"
    assert [reason.split("'")[1] for reason in verdict.blocked_by] == ["checks", "budget"]


@pytest.mark.requirement("format:no-eval", "format:broken-gate")
@pytest.mark.parametrize(
    ("broken", "path"),
    [
        (Gate(fields=(Field(name="f", validator="nowhere"),)), ("evidence_schema", "f", "validator")),
        (Gate(validators={"own": "lambda x: open(x)"}), ("validators", "own")),
        (Gate(rules=(Rule(expression="lambda e: e.pop()", error_message=""),)), ("cross_field_validation", 0, "rule")),
        (Gate(rules=(Rule(expression="lambda a, b: a", error_message=""),)), ("cross_field_validation", 0, "rule")),
    ],
)
def test_a_gate_that_can_never_be_judged_blocks_and_knows_where_it_is_broken(
    broken: Gate, path: tuple[str | int, ...]
) -> None:
    assert [defect.path for defect in defects(broken)] == [path]
    verdict = judged(broken, f=1)
    assert (verdict.outcome, verdict.blocked_by) == ("blocked", (defects(broken)[0].problem,))
    evidence_schema(broken)


DECLARED = (Field(name="version_after"), Field(name="tests", validator="own"), Field(name="other", validator="own"))


@pytest.mark.parametrize(
    ("expression", "problems"),
    [
        ("lambda e: e['version_aftr'] > e['tests']", ["reads 'version_aftr', which evidence_schema does not declare"]),
        ("lambda e: e['quorum']", ["reads 'quorum', which evidence_schema does not declare"]),
        ("lambda e: all(e['name'] != '' for e in e['tests'])", []),
        ("lambda e: all(q['name'] != '' for e in e['tests'] for q in e['quorum'])", []),
        ("lambda e: all(q['name'] != '' for q in e['tets'])", ["reads 'tets', which evidence_schema does not declare"]),
        ("lambda e: e['tests']['quorum'] == e.get('other')", []),
        ("lambda e: e.get('quorum') is None", []),
    ],
)
def test_a_rule_that_needs_what_no_field_is_called_is_a_defect(expression: str, problems: list[str]) -> None:
    found = Gate(fields=DECLARED, validators={"own": "lambda x: True"}, rules=rule(expression), origin="file")
    assert [defect.problem.removeprefix("the rule 1 ").partition(";")[0] for defect in defects(found)] == problems
    assert defects(found.model_copy(update={"fields": ()})) == ()


def test_a_name_that_is_nearly_right_gets_a_suggestion() -> None:
    found = Gate(fields=(Field(name="version_after", validator="is_urll"),), rules=rule("lambda e: e['version_aftr']"))
    assert [defect.problem.partition("; ")[2] for defect in defects(found)] == [
        "did you mean is_url?",
        "did you mean version_after?",
    ]


def test_a_rule_that_asks_for_what_no_field_is_called_is_a_doubt() -> None:
    rules = rule("lambda e: e.get('tets', 0) >= 0 and e['tests'] and e.get('other') and e.get('gone')")
    found = Gate(fields=DECLARED, validators={"own": "lambda x: True"}, rules=rules, origin="file")
    assert [doubt.problem for doubt in doubts(found)] == [
        "the rule 1 asks for 'gone', which evidence_schema does not declare",
        "the rule 1 asks for 'tets', which evidence_schema does not declare; did you mean tests?",
    ]
    assert defects(found) == doubts(found.model_copy(update={"fields": ()})) == ()


def test_a_validator_that_cannot_be_read_is_said_once_however_many_fields_name_it() -> None:
    found = Gate(fields=DECLARED, validators={"own": "lambda x: x.pop()"})
    assert [defect.problem for defect in defects(found)] == [
        "the validator 'own' cannot be used: the method 'pop' is not allowed"
    ]


@pytest.mark.requirement("format:from-check")
def test_required_names_leave_out_what_the_server_fills_in() -> None:
    found = gate(Field(name="a"), Field(name="b", required=False), Field(name="c", from_check="unit"))
    assert required_names(found) == ("a",)


def test_the_schema_tells_types_bounds_patterns_and_descriptions() -> None:
    found = gate(
        Field(name="flag", type="boolean", description="All done"),
        Field(name="count", type="integer", validator="positive"),
        Field(name="ratio", type="float", validator="between", validator_params={"min": 0, "max": 1}),
        Field(name="text", type="string", validator="non_empty"),
        Field(name="hash", type="string", validator="matches", validator_params={"pattern": "^[0-9a-f]{40}$"}),
        Field(name="kind", type="string", validator="one_of", validator_params={"values": ["fix", "feature"]}),
        Field(name="files", type="list", validator="min_length", validator_params={"value": 2}, required=False),
        Field(name="more", type="object", required=False),
        Field(name="rest", required=False),
        Field(name="own", type="integer", validator="lambda x: x == 42"),
    )
    schema = evidence_schema(found)
    assert schema == {
        "type": "object",
        "properties": {
            "flag": {"type": "boolean", "description": "All done"},
            "count": {"type": "integer", "exclusiveMinimum": 0},
            "ratio": {"type": "number", "minimum": 0, "maximum": 1},
            "text": {"type": "string", "pattern": r"\S"},
            "hash": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
            "kind": {"type": "string", "enum": ["fix", "feature"]},
            "files": {"type": "array", "minItems": 2},
            "more": {"type": "object"},
            "rest": {},
            "own": {"type": "integer"},
        },
        "required": ["flag", "count", "ratio", "text", "hash", "kind", "own"],
    }
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "options",
    [
        {"type": "string", "validator": "equals", "validator_params": {"value": "sesame"}},
        {"type": "string", "validator": "one_of", "validator_params": {"values": ["sesame"]}},
        {"type": "string", "validator": "lambda x: x == 'sesame'"},
        {"type": "string", "validator": "contains", "validator_params": {"value": "sesame"}},
    ],
)
def test_neither_the_schema_nor_a_refusal_tells_what_opens_the_gate(options: dict[str, Any]) -> None:
    found = gate(Field(name="f", **options))
    verdict = judged(found, f="barley")
    assert verdict.outcome == "refused"
    assert "sesame" not in json.dumps(evidence_schema(found)) + repr(verdict)


def test_a_refused_boolean_does_not_tell_which_one_it_should_have_been() -> None:
    refused = [
        judged(only("boolean", required=False, validator="is_true"), f=False).findings,
        judged(only("boolean", required=False, validator="is_false"), f=True).findings,
    ]
    assert refused[0] == refused[1]
    assert "true" not in repr(refused).lower()
