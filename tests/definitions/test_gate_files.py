"""Gate files: what they say, where they are wrong, and which keys block."""

from __future__ import annotations

import pytest

from mcp_server.actions.json_values import MAX_NAME_LENGTH
from mcp_server.definitions.gate_files import read_gate
from mcp_server.definitions.plain_gates import slugs_of
from mcp_server.domain.checks import Check, Conditions
from mcp_server.domain.definition import Field, Gate, Rule

pytestmark = pytest.mark.unit

FULL = """
$schema: https://example.org/gate.json
name: A gate
checkpoint: {enabled: true, strict: false, allow_override: false}
evidence_schema:
  tests:
    type: integer
    required: true
    validator: in_range
    validator_params: {low: 1, high: 9}
    description: How many
  notes: {type: string, required: false, example: text}
validators:
  in_range: "lambda x, low, high: low <= x <= high"
cross_field_validation:
  - {rule: "lambda e: e['tests'] > 0", error_message: Some tests}
  - {rule: "lambda e: True"}
max_attempts: 5
reopen: person
on_no_go: {advise: Roll back first}
x-own: {anything: goes}
"""


@pytest.mark.requirement("format:gate-file")
def test_a_gate_file_says_all_of_a_gate() -> None:
    gate, report = read_gate(FULL, "gate.yaml")
    assert report.problems == []
    assert gate == Gate(
        fields=(
            Field(
                name="tests",
                type="integer",
                validator="in_range",
                validator_params={"low": 1, "high": 9},
                description="How many",
            ),
            Field(name="notes", type="string", required=False),
        ),
        rules=(
            Rule(expression="lambda e: e['tests'] > 0", error_message="Some tests"),
            Rule(expression="lambda e: True", error_message="cross_field_validation[1] does not hold"),
        ),
        validators={"in_range": "lambda x, low, high: low <= x <= high"},
        strict=False,
        allow_override=False,
        max_attempts=5,
        reopen="person",
        advice="Roll back first",
        origin="file",
    )


def test_what_is_left_out_is_strict_required_and_three_attempts() -> None:
    gate, _ = read_gate("evidence_schema: {a: {}}", "gate.yaml")
    assert (gate.strict, gate.allow_override, gate.max_attempts, gate.reopen) == (True, True, 3, "assistant")
    assert gate.fields == (Field(name="a", type="any", required=True),)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("dict", "object"),
        ("array", "list"),
        ("bool", "boolean"),
        ("int", "integer"),
        ("str", "string"),
        ("float", "float"),
    ],
)
def test_the_short_names_of_types_are_read(written: str, read: str) -> None:
    gate, _ = read_gate(f"evidence_schema: {{a: {{type: {written}}}}}", "gate.yaml")
    assert gate.fields[0].type == read


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: [", 1, "is not valid YAML"),
        ("- a", 1, "the file has to be a mapping"),
        ("evidence_schema: [a]", 1, "evidence_schema has to be a mapping"),
        ("evidence_schema:\n  a:\n", 2, "the field 'a' says nothing"),
        ("evidence_schema:\n  a: boolean", 2, "evidence_schema.a has to be a mapping"),
        ("evidence_schema:\n  a:\n    type: banana", 3, "there is no type 'banana'"),
        ("evidence_schema:\n  a:\n    required: often", 3, "evidence_schema.a.required has to be true or false"),
        ("evidence_schema:\n  a:\n    type: integer\n    validator: gone", 4, "there is no validator 'gone'"),
        ("evidence_schema:\n  a:\n    validator: [a]", 3, "evidence_schema.a.validator has to be text"),
        ("evidence_schema:\n  a:\n    validator: min_value", 3, "takes one parameter"),
        ("evidence_schema:\n  a: {}\nvalidators:\n  b: 'lambda x: x.pop()'", 4, "method 'pop' is not allowed"),
        ("cross_field_validation: {}", 1, "cross_field_validation has to be a list"),
        ("cross_field_validation:\n  - rule: 'lambda e: open(e)'", 2, "the rule 1 cannot be used"),
        ("cross_field_validation:\n  - {}", 2, "the rule 1 cannot be used"),
        (
            "cross_field_validation:\n  - error_message: x\n    rule: 'lambda a, b: a'",
            3,
            "has to take the evidence alone",
        ),
        ("checkpoint: strict", 1, "checkpoint has to be a mapping"),
        ("checkpoint: {strict: maybe}", 1, "checkpoint.strict has to be true or false"),
        ("max_attempts: -1", 1, "max_attempts has to be an integer not below 0"),
        ("max_attempts: true", 1, "max_attempts has to be an integer not below 0"),
        ("reopen: nobody", 1, "nobody called 'nobody' can reopen"),
        ("checks: [{run: [ls], pass: {exit_code: 0}}]", 1, "a check needs an id"),
        ("approval: {required: maybe}", 1, "approval.required has to be true or false"),
        ("checks: {}", 1, "checks has to be a list"),
        ("protected_paths: {}", 1, "protected_paths has to be a list of texts"),
        ("protected_paths: [[a]]", 1, "protected_paths[0] has to be text"),
        ("on_no_go: stop", 1, "on_no_go has to be a mapping"),
        ("approval: often", 1, "approval has to be a mapping"),
    ],
)
def test_what_is_wrong_is_an_error_with_its_line_and_blocks_the_gate(text: str, line: int, message: str) -> None:
    gate, report = read_gate(text, "phases/1/gate.yaml")
    (first, *_) = report.problems
    assert (first.severity, first.file, first.line) == ("error", "phases/1/gate.yaml", line)
    assert message in first.message
    assert first.hint
    assert gate.problem is not None
    assert f"phases/1/gate.yaml:{line}: " in gate.problem


@pytest.mark.parametrize(
    ("text", "unsupported"),
    [
        ("checks: []", ()),
        ("approval: {required: false}", ()),
        ("approval: false", ()),
        ("protected_paths: []", ()),
        ("evidence_schema: {a: {minimum: 3}}", ("evidence_schema.a.minimum",)),
        ("cross_field_validation: [{rule: 'lambda e: True', severity: low}]", ("cross_field_validation[0].severity",)),
        ("checkpoint: {mode: soft}", ("checkpoint.mode",)),
        ("checks: [{id: a, file: b, pass: {exists: true, sha256: x}}]", ("checks[0].pass.sha256",)),
        ("approval: {quorum: 2}", ("approval.quorum",)),
        ("quorum: 2", ("quorum",)),
        ("title: T\nnotes: n\nversion: 1\nphase: 1\ndescription: d\nphase_name: p", ()),
    ],
)
def test_a_key_whose_machinery_is_missing_blocks_and_is_named(text: str, unsupported: tuple[str, ...]) -> None:
    gate, report = read_gate(text, "gate.yaml")
    assert gate.unsupported == unsupported
    assert [str(problem) for problem in report.problems] == [
        f"gate.yaml:1: '{key}' is not supported by this version, so the gate blocks" for key in unsupported
    ]
    assert {problem.severity for problem in report.problems} <= {"warning"}


@pytest.mark.requirement("format:newer-key-blocks")
@pytest.mark.parametrize(
    ("text", "line", "key", "meant"),
    [
        ("reopen: person\nmax_attempt: 3", 2, "max_attempt", "max_attempts"),
        ("evidence_schema:\n  a:\n    requird: true", 3, "evidence_schema.a.requird", "required"),
        ("checkpoint: {stict: true}", 1, "checkpoint.stict", "strict"),
        ("on_no_go: {advice: x}", 1, "on_no_go.advice", "advise"),
    ],
)
def test_a_misspelled_key_is_named_with_its_line_and_what_was_meant(text: str, line: int, key: str, meant: str) -> None:
    gate, report = read_gate(text, "gate.yaml")
    (problem,) = report.problems
    assert str(problem) == (
        f"gate.yaml:{line}: '{key}' is not supported by this version, so the gate blocks; did you mean {meant}?"
    )
    assert problem.hint.endswith("docs/reference/definition-format.md.")
    assert gate.unsupported == (key,)


def test_a_rule_over_a_field_that_is_not_declared_is_an_error_by_subscript_and_a_warning_by_get() -> None:
    text = """evidence_schema:
  version_after: {type: string}
cross_field_validation:
  - rule: "lambda e: e['version_aftr'] != ''"
  - rule: "lambda e: e.get('version_befor') != e['version_after']"
"""
    gate, report = read_gate(text, "gate.yaml")
    assert [f"{problem.severity} {problem}" for problem in report.problems] == [
        (
            "error gate.yaml:4: the rule 1 reads 'version_aftr', which evidence_schema does not declare; "
            "did you mean version_after?"
        ),
        (
            "warning gate.yaml:5: the rule 2 asks for 'version_befor', which evidence_schema does not declare; "
            "did you mean version_after?"
        ),
    ]
    assert gate.problem is not None


def test_a_name_that_is_too_long_to_be_submitted_is_an_error() -> None:
    longest = "a" * MAX_NAME_LENGTH
    assert read_gate(f"evidence_schema:\n  {longest}: {{type: string}}", "gate.yaml")[0].problem is None
    _, report = read_gate(f"evidence_schema:\n  {longest}b: {{type: string}}", "gate.yaml")
    (problem,) = report.problems
    assert (problem.severity, problem.line) == ("error", 2)
    assert "has 201 characters; 200 are allowed" in problem.message


def test_checks_are_kept_as_they_were_declared() -> None:
    gate, _ = read_gate(
        "checks: [{id: unit, description: All pass, run: [pytest, -q], pass: {exit_code: 0}}]", "gate.yaml"
    )
    conditions = Conditions(exit_code=0)
    assert gate.checks == (
        Check(id="unit", kind="run", description="All pass", run=("pytest", "-q"), conditions=conditions),
    )


def test_a_gate_cannot_be_switched_off() -> None:
    gate, report = read_gate("checkpoint: {enabled: false}\nevidence_schema: {a: {type: boolean}}", "gate.yaml")
    assert [str(problem) for problem in report.problems] == ["gate.yaml:1: 'enabled: false' does not open a gate"]
    assert (gate.problem, len(gate.fields)) == (None, 1)


@pytest.mark.requirement("format:validation-criteria")
def test_slugs_are_short_plain_and_distinct() -> None:
    long = "The very long sentence that goes on and on, and on, until it is cut off somewhere"
    slugs = slugs_of(["All tests pass (pytest)!", "all tests: pass pytest", "äöü", "日本", long, long + "!"])
    assert list(slugs) == [
        "all_tests_pass_pytest",
        "all_tests_pass_pytest_2",
        "criterion",
        "criterion_2",
        "the_very_long_sentence_that_goes_on_and_on_and_on_until_it_i",
        "the_very_long_sentence_that_goes_on_and_on_and_on_until_it_2",
    ]
    assert max(map(len, slugs)) == 60
    assert next(iter(slugs.values())) == "All tests pass (pytest)!"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("evidence_schema: {a: {validator: gone}}\nvalidators: {own: 'lambda v: v'}", ["own", "positive", "one_of"]),
        ("evidence_schema: {a: {from_check: gone}}\nchecks: [{id: unit, file: x, pass: {exists: true}}]", ["unit"]),
        ("evidence_schema: {a: {from_check: gone}}", ["Add the check under checks"]),
    ],
)
def test_a_name_that_is_not_there_is_told_with_those_that_are(text: str, names: list[str]) -> None:
    _, report = read_gate(text, "gate.yaml")
    (problem,) = report.problems
    assert [name for name in names if name not in problem.hint] == []
