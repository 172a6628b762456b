"""What an attempt comes to with its checks: which evidence the server fills in, what is no-go, and on what it rests."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcp_server.domain.attempts import bases_of, basis_of, rejection
from mcp_server.domain.authority import Authority
from mcp_server.domain.checks import Check, Conditions
from mcp_server.domain.definition import Field, Gate, Phase, Rule
from mcp_server.domain.gates import conclude, evidence_schema, judge
from mcp_server.domain.results import CheckResult, CheckStatus, Decision

pytestmark = pytest.mark.unit

TESTS = Check(id="tests", kind="run", run=("python",), conditions=Conditions(exit_code=0))
GUIDE = Check(id="guide", kind="file", file="guide.md", conditions=Conditions(exists=True))


class Nowhere:
    """A world without files."""

    def file_exists(self, path: str) -> bool:
        del path
        return False

    def matches(self, pattern: str, text: str) -> bool:
        return pattern in text


def gate(*fields: Field, checks: tuple[Check, ...] = (TESTS, GUIDE), rules: tuple[Rule, ...] = ()) -> Gate:
    return Gate(fields=fields, checks=checks, rules=rules, origin="file")


def came_to(status: CheckStatus, value: object = None, of: str = "tests", problem: str | None = None) -> CheckResult:
    return CheckResult.model_validate({"id": of, "status": status, "value": value, "problem": problem})


PASSED = (came_to("passed", 7), came_to("passed", True, of="guide"))
NUMBER = Field(name="passed", type="integer", from_check="tests")


def test_what_comes_from_a_check_is_not_asked_for_and_not_judged_before() -> None:
    asked = gate(NUMBER, Field(name="note", type="string"))
    schema = evidence_schema(asked)
    assert (list(schema["properties"]), schema["required"]) == (["note"], ["note"])
    assert judge(asked, {"note": "x", "passed": "anything"}, Nowhere()).outcome == "passed"


def test_a_rule_over_what_a_check_reads_waits_for_the_check() -> None:
    rule = Rule(expression="lambda e: e['passed'] >= e['wanted']", error_message="too few")
    asked = gate(NUMBER, Field(name="wanted", type="integer"), rules=(rule,))
    assert judge(asked, {"wanted": 9}, Nowhere()).outcome == "passed"
    verdict = conclude(asked, {"wanted": 9}, PASSED, Nowhere())
    assert (verdict.outcome, [finding.problem for finding in verdict.findings]) == ("refused", ["too few"])
    assert conclude(asked, {"wanted": 7}, PASSED, Nowhere()).outcome == "passed"


def test_what_the_check_read_takes_the_place_of_what_was_submitted() -> None:
    verdict = conclude(gate(NUMBER), {"passed": 99, "note": "x"}, PASSED, Nowhere())
    assert (verdict.outcome, verdict.filled) == ("passed", {"passed": 7})
    assert {one.name: one.basis for one in verdict.accepted} == {"passed": "verified", "note": "attested"}
    assert verdict.warnings == ("passed: what the server read itself counts, not what was submitted",)


def test_a_boolean_takes_from_a_check_that_it_passed() -> None:
    verdict = conclude(gate(Field(name="green", type="boolean", from_check="tests")), {}, PASSED, Nowhere())
    assert (verdict.outcome, verdict.filled) == ("passed", {"green": True})


def test_what_was_read_still_has_to_be_what_the_field_wants() -> None:
    read = (came_to("passed", "seven"), PASSED[1])
    verdict = conclude(gate(NUMBER), {}, read, Nowhere())
    assert (verdict.outcome, verdict.findings[0].field) == ("refused", "passed")
    least = NUMBER.model_copy(update={"validator": "min_value", "validator_params": {"value": 8}})
    assert conclude(gate(least), {}, PASSED, Nowhere()).outcome == "refused"


def test_a_check_that_failed_is_a_no_go_and_its_value_is_not_asked_for() -> None:
    verdict = conclude(gate(NUMBER), {"passed": 9}, (came_to("failed", problem="exit code 1"), PASSED[1]), Nowhere())
    assert verdict.outcome == "refused"
    assert (verdict.missing, verdict.findings) == ((), ())
    assert [(one.field, one.problem) for one in verdict.no_go] == [("tests", "exit code 1")]


@pytest.mark.parametrize(
    "results",
    [
        (came_to("blocked", problem="nobody trusts it"), PASSED[1]),
        (PASSED[1],),
        (),
    ],
)
def test_a_check_that_was_not_carried_out_blocks(results: tuple[CheckResult, ...]) -> None:
    verdict = conclude(gate(), {}, results, Nowhere())
    assert verdict.outcome == "blocked"
    assert verdict.blocked_by


def test_a_no_go_is_a_refusal_even_where_another_check_is_blocked() -> None:
    results = (came_to("blocked", problem="nobody trusts it"), came_to("failed", of="guide", problem="not there"))
    verdict = conclude(gate(), {}, results, Nowhere())
    assert (verdict.outcome, [one.field for one in verdict.no_go]) == ("refused", ["guide"])


def test_a_result_that_the_gate_did_not_declare_counts_against_it() -> None:
    results = (*PASSED, came_to("failed", of="protected_paths", problem="changed: tests/a.py"))
    assert conclude(gate(), {}, results, Nowhere()).outcome == "refused"


def test_a_broken_gate_blocks_whatever_its_checks_say() -> None:
    broken = gate().model_copy(update={"problem": "it cannot be read"})
    assert conclude(broken, {}, PASSED, Nowhere()).outcome == "blocked"
    lacking = gate().model_copy(update={"unsupported": ("quorum",)})
    assert conclude(lacking, {}, PASSED, Nowhere()).outcome == "blocked"


DECIDED = Decision(at=datetime(2026, 1, 1, tzinfo=UTC), authority=Authority())


@pytest.mark.parametrize(
    ("fields", "decided", "basis"),
    [
        ((NUMBER,), False, "verified"),
        ((NUMBER, Field(name="note", type="string")), False, "attested"),
        ((NUMBER, Field(name="note", type="string", required=False)), False, "verified"),
        ((), False, "verified"),
        ((NUMBER,), True, "human"),
        ((NUMBER, Field(name="note", type="string")), True, "human"),
    ],
)
def test_a_phase_is_believed_no_more_than_the_weakest_of_what_it_requires(
    fields: tuple[Field, ...], decided: bool, basis: str
) -> None:
    asked = gate(*fields)
    decision = DECIDED if decided else None
    verdict = conclude(asked, {"note": "x"}, PASSED, Nowhere())
    phase = Phase(number=1, title="One", gate=asked)
    assert basis_of(phase, bases_of(verdict, decision), decision) == basis


def test_a_gate_without_checks_rests_on_what_was_said() -> None:
    asked = gate(Field(name="note", type="string"), checks=())
    verdict = judge(asked, {"note": "x"}, Nowhere())
    phase = Phase(number=1, title="One", gate=asked)
    assert basis_of(phase, bases_of(verdict, None), None) == "attested"


def test_what_a_person_says_no_to_is_refused_with_their_note() -> None:
    assert rejection("the design has no error path").findings[0].problem.endswith("the design has no error path")
    assert rejection(None).outcome == "refused"
