"""What the reply to an attempt says in words: all that is wrong, and a question where a person is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.support import Ask, Body, Home, field

pytestmark = pytest.mark.integration


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.make(tmp_path)


@pytest.fixture
def ask(home: Home) -> Ask:
    return home.asking()


def submitted(home: Home, ask: Ask, gate: Body, evidence: Body) -> Body:
    """What an attempt at this gate is answered with."""
    home.define("one", [{"number": 1, "gate": gate}, {"number": 2}])
    session = ask(action="start", workflow_type="one", target_file=".")["session_id"]
    return ask(action="complete_phase", session_id=session, phase=1, evidence=evidence)


def test_a_refusal_names_the_checks_that_failed_and_those_that_nobody_trusts(home: Home, ask: Ask) -> None:
    checks = [
        {"id": "written", "file": "report.md", "pass": {"exists": True}},
        {"id": "tests", "run": ["python", "-c", ""], "pass": {"exit_code": 0}},
    ]
    refused = submitted(home, ask, {"checks": checks}, {})
    assert refused["gate"] == "refused"
    assert refused["failed_checks"] == ["written"]
    assert "check written: " in refused["error"]
    assert "check tests is blocked: " in refused["error"]
    assert "blocked checks" in refused["remediation"]


def test_a_rule_that_cannot_be_judged_says_so_before_what_it_asks_for(home: Home, ask: Ask) -> None:
    rule = {"rule": "lambda e: e['l'][0]['k'] > 1", "error_message": "Each needs k."}
    gate = {"evidence_schema": {"l": field("list")}, "cross_field_validation": [rule]}
    (problem,) = submitted(home, ask, gate, {"l": [{"j": 1}]})["validation_errors"]
    assert problem["problem"].startswith("cannot be judged (")
    assert problem["problem"].endswith("): Each needs k.")


@pytest.mark.parametrize("prompt", [{}, {"prompt": ""}, {"prompt": " "}])
def test_a_gate_that_does_not_say_what_it_asks_a_person_asks_all_the_same(
    home: Home, ask: Ask, prompt: Body, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = {"evidence_schema": {"done": field()}, "approval": {"required": True, **prompt}}
    reply = submitted(home, ask, gate, {"done": "yes"})
    assert reply["approval"]["prompt"] == "May the session leave this phase?"
    (waiting,) = Cli(home, capsys)("pending", "--json").json["pending"]
    assert waiting["said"].endswith(": May the session leave this phase?")


def test_a_name_that_is_not_asked_for_is_named_where_another_is_missing(home: Home, ask: Ask) -> None:
    gate = {"evidence_schema": {"tests_before": field("integer")}}
    refused = submitted(home, ask, gate, {"tests_befor": 3, "usage": {"tokens": 1}, "colour": "red"})
    assert refused["missing_evidence"] == ["tests_before"]
    assert refused["warnings"] == [
        "tests_befor is not asked for; did you mean tests_before?",
        "colour is not asked for",
    ]


def test_what_more_is_shown_where_nothing_is_missing_is_accepted(home: Home, ask: Ask) -> None:
    passed = submitted(home, ask, {"evidence_schema": {"done": field()}}, {"done": "yes", "colour": "red"})
    assert [one["name"] for one in passed["evidence_accepted"]] == ["done", "colour"]
    assert "warnings" not in passed


def test_many_names_that_are_not_asked_for_are_counted(home: Home, ask: Ask) -> None:
    evidence = {f"extra_{number}": number for number in range(9)}
    refused = submitted(home, ask, {"evidence_schema": {"done": field()}}, evidence)
    assert len(refused["warnings"]) == 6
    assert refused["warnings"][-1] == "4 more are not asked for"


def test_the_schema_of_what_was_refused_is_told_once(home: Home, ask: Ask) -> None:
    gate = {"evidence_schema": {"done": field(description="What was done"), "other": field()}}
    home.define("one", [{"number": 1, "gate": gate}])
    session = ask(action="start", workflow_type="one", target_file=".")["session_id"]
    first, again = (
        ask(action="complete_phase", session_id=session, phase=1, evidence={"other": "x"}) for _ in range(2)
    )
    assert first["evidence_schema"]["properties"] == {"done": {"type": "string", "description": "What was done"}}
    assert again["escalate"] is True
    assert "evidence_schema" not in again


def test_a_check_that_passed_takes_less_room_than_one_that_did_not(home: Home, ask: Ask) -> None:
    home.write({"there.md": "x"})
    checks = [
        {"id": name, "description": f"{name} is there", "file": f"{name}.md", "pass": {"exists": True}}
        for name in ("there", "missing")
    ]
    there, missing = submitted(home, ask, {"checks": checks}, {})["checks"]
    assert {"description", "problem"} <= set(missing)
    assert set(there) <= {"id", "status", "duration_seconds"}
