"""What every reply carries, and that following it leads to the end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from mcp_server.actions import ACTIONS as CATALOGUE
from mcp_server.actions.schema import input_schema
from tests.shipped_evidence import ATTESTED, FILES, HONEST, OPTIONS, TARGET
from tests.support import ALLOWED, MUTATING, PASSING, STATES, STATUS_OF, Ask, Body, Home, arrange, compact, field
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

NEEDS: Body = {
    "get_task": {"phase": 2, "task_number": 1},
    "complete_phase": {"phase": 2, "evidence": PASSING},
    "retry_phase": {"phase": 2},
    "rollback": {"to_phase": 1},
}


def calls(session: str) -> Iterator[Body]:
    """Every action about a session, the one that ends it last."""
    for action in CATALOGUE:
        if action.name not in ("list_workflows", "start", "list_sessions", "delete_session"):
            yield {"action": action.name, "session_id": session, **NEEDS.get(action.name, {})}


@pytest.mark.requirement("common-fields")
@pytest.mark.parametrize("state", STATES)
def test_every_reply_about_a_session_says_how_it_stands(ask: Ask, state: str) -> None:
    for call in calls(arrange(ask, state)):
        session = arrange(ask, state)
        version = ask(action="get_state", session_id=session)["version"]
        wrong = {**call, "session_id": session, "colour": "red"}
        stale = {"expected_version": 1} if call["action"] in MUTATING else {}
        for arguments in (wrong, {**wrong, "action": "no_action"}, {**call, "session_id": session, **stale}):
            reply = ask(**arguments)
            assert reply["session_id"] == session
            assert reply["version"] == version
            assert reply["session_status"] == STATUS_OF.get(state, state)
            assert reply["next_actions"]
        reply = ask(**{**call, "session_id": session})
        now = ask(action="get_state", session_id=session)
        assert [reply[name] for name in ("session_id", "version", "session_status")] == [
            now[name] for name in ("session_id", "version", "session_status")
        ]


@pytest.mark.requirement("common-fields")
def test_a_reply_about_no_session_speaks_of_none(ask: Ask) -> None:
    for arguments in (
        {"action": "list_workflows"},
        {"action": "list_sessions"},
        {"action": "start"},
        {"action": "nothing"},
    ):
        assert not {"session_id", "version", "session_status", "next_actions"} & set(ask(**arguments))


@pytest.mark.requirement("next-actions-are-calls")
@pytest.mark.parametrize("state", STATES)
def test_every_next_action_can_be_made_as_it_is(ask: Ask, state: str) -> None:
    supplied: Body = {"evidence": PASSING, "to_phase": 1, "checkpoint_note": "waiting for a person"}
    parameters = input_schema()["properties"]
    suggested = ask(action="get_state", session_id=arrange(ask, state))["next_actions"]
    assert suggested
    for number in range(len(suggested)):
        session = arrange(ask, state)
        offer = ask(action="get_state", session_id=session)["next_actions"][number]
        assert set(offer) <= {"arguments", "fill", "why"}
        assert offer["arguments"]["session_id"] == session
        assert set(offer["arguments"]) <= set(parameters)
        action = offer["arguments"]["action"]
        assert action not in MUTATING or action in ALLOWED[STATUS_OF.get(state, state)]
        filled = {name: supplied[name] for name in offer.get("fill", [])}
        reply = ask(**offer["arguments"], **filled)
        assert reply["status"] == "success" or reply["error_type"] == "ValidationError", reply


def follow(ask: Ask, workflow: str, evidence: dict[int, Body]) -> tuple[list[str], Body]:
    """An assistant that only ever makes the first call of next_actions; what it did, and the last reply."""
    listed = ask(action="list_workflows")["workflows"]
    assert workflow in {one["workflow_type"] for one in listed}
    reply = ask(action="start", workflow_type=workflow, target_file=TARGET[workflow], options=OPTIONS.get(workflow, {}))
    done: list[str] = []
    while "workflow_completed" not in reply:
        assert reply["status"] == "success", reply
        assert len(done) < 100, done
        offer = reply["next_actions"][0]
        arguments = dict(offer["arguments"])
        assert offer.get("fill", []) in ([], ["evidence"])
        if "fill" in offer:
            arguments["evidence"] = evidence[arguments["phase"]]
        done.append(arguments["action"])
        reply = ask(**arguments)
    return done, reply


@pytest.mark.requirement("next-actions-lead-to-the-end")
@pytest.mark.parametrize("workflow", ATTESTED)
def test_following_the_first_next_action_completes_a_workflow(ask: Ask, workflow: str) -> None:
    done, last = follow(ask, workflow, HONEST[workflow])
    assert set(done) == {"get_task", "complete_phase"}
    assert done.count("complete_phase") == len(HONEST[workflow])
    assert done.count("get_task") >= len(HONEST[workflow])
    assert last["session_status"] == "completed"
    state = ask(action="get_state", session_id=last["session_id"])
    assert (state["progress_percent"], state["completed_phases"]) == (100, sorted(HONEST[workflow]))
    record = ask(action="get_session", session_id=last["session_id"])["session"]
    assert all(one["attempt"] == 1 and one["basis"] == "attested" for one in record["phase_history"])


@pytest.mark.requirement("next-actions-lead-to-the-end")
def test_a_fresh_assistant_goes_on_from_get_state_alone(ask: Ask) -> None:
    session = ask(action="start", workflow_type="small_change", target_file="prices.py")["session_id"]
    for phase, evidence in HONEST["small_change_v1"].items():
        state = ask(action="get_state", session_id=session)
        assert state["current_phase"] == phase
        assert str(phase) in state["summary"]
        (call,) = state["next_actions"]
        read = ask(**call["arguments"])
        assert read["phase_content"]["phase_number"] == phase
        offers = [one for one in read["next_actions"] if one["arguments"]["action"] == "complete_phase"]
        assert set(state["outstanding_evidence"]) <= set(evidence)
        ask(**offers[0]["arguments"], evidence=evidence)
    assert ask(action="get_state", session_id=session)["session_status"] == "completed"


@pytest.mark.requirement("text-is-the-structured-content")
def test_the_text_is_compact_json_of_the_structured_content(server: Wire) -> None:
    session = arrange(server.call, "refused", "naïve/日本 \U0001f600.py")
    for call in [*calls(session), {"action": "list_workflows"}, {"action": "list_sessions"}, {"action": "nothing"}]:
        result = server.answer(server.post_call(**call))["result"]
        (content,) = result["content"]
        assert content["type"] == "text"
        assert json.loads(content["text"]) == result["structuredContent"]
        assert content["text"] == compact(json.loads(content["text"]))


@pytest.mark.requirement("nothing-leaks")
def test_no_reply_tells_where_the_project_lies(home: Home) -> None:
    # Every reply is searched for the project's and the user's folder by ``checked``.
    with Wire(home) as wire:
        for state in STATES:
            session = arrange(wire.call, state)
            for call in calls(session):
                wire.call(**call)
        session = arrange(wire.call, "open")
        head = home.state / "workflows" / f"{session}.json"
        head.write_bytes(head.read_bytes()[:-50])
        assert wire.call(action="get_state", session_id=session)["error_type"] == "CorruptStateError"
        assert [one["session_id"] for one in wire.call(action="list_sessions")["corrupt"]] == [session]
        home.write({".praxis-os/workflows/broken/metadata.json": "{"})
        (problem,) = wire.call(action="list_workflows")["invalid"]
        assert problem["workflow_type"] == "broken"
        assert wire.call(action="start", workflow_type="broken", target_file="a")["error_type"] == "ConfigurationError"
        broken = arrange(wire.call, "open")
        (home.state / "workflows" / f"{broken}.jsonl").unlink()
        wire.call(action="pause", session_id=broken)
        wire.call(action="get_errors", session_id=broken)


@pytest.mark.requirement("corrupt-hides-no-other")
def test_a_corrupt_session_hides_no_other_and_keeps_its_files(home: Home) -> None:
    ask = home.asking()
    good, bad = arrange(ask, "open"), arrange(ask, "open")
    head = home.state / "workflows" / f"{bad}.json"
    content = head.read_text()
    head.write_text(re.sub(r'("current_phase": ?)2', r"\g<1>3", content))
    assert head.read_text() != content
    before = home.tree()
    listed = ask(action="list_sessions")
    assert [one["session_id"] for one in listed["sessions"]] == [good]
    assert [one["session_id"] for one in listed["corrupt"]] == [bad]
    for call in [*calls(bad), {"action": "delete_session", "session_id": bad}]:
        reply = ask(**call)
        assert reply["error_type"] == "CorruptStateError"
        assert reply["finding"]
        assert "session_status" not in reply
    assert home.tree() == before
    assert ask(action="pause", session_id=good)["paused"] is True


SECRETS = {
    "equals": "open sesame 4711",
    "one_of": "the-only-choice-0815",
    "is_true": True,
    "number": 271828,
    "contains": "hidden-in-plain-sight",
}


def define_secrets(home: Home) -> None:
    fields: dict[str, Any] = {
        "word": field(validator="equals", validator_params={"value": SECRETS["equals"]}, description="The word"),
        "choice": field(validator="one_of", validator_params={"values": [SECRETS["one_of"]]}),
        "agreed": field("boolean", validator="is_true"),
        "number": field("integer", validator="equals", validator_params={"value": SECRETS["number"]}),
        "same": field("integer", validator="between", validator_params={"min_value": 271828, "max_value": 271828}),
        "text": field(validator="contains", validator_params={"value": SECRETS["contains"]}),
    }
    home.define("secrets", [{"number": 1, "gate": {"evidence_schema": fields, "max_attempts": 3}}, {"number": 2}])


@pytest.mark.requirement("the-opening-value-is-never-told")
def test_no_reply_and_no_schema_tells_the_value_that_opens_a_gate(home: Home) -> None:
    define_secrets(home)
    with Wire(home) as wire:
        listed = wire.call(action="list_workflows")
        assert {"secrets"} <= {one["workflow_type"] for one in listed["workflows"]}, listed["invalid"]
        started = wire.call(action="start", workflow_type="secrets", target_file="a.py")
        session = started["session_id"]
        schema = started["phase_content"]["checkpoint"]["evidence_schema"]
        assert schema["properties"]["word"] == {"type": "string", "description": "The word"}
        assert schema["properties"]["agreed"] == {"type": "boolean"}
        wrong = {"word": "please", "choice": "other", "agreed": False, "number": 1, "same": 1, "text": "plain"}
        refused = wire.call(action="complete_phase", session_id=session, phase=1, evidence=wrong)
        named = [*refused["missing_evidence"], *(one["field"] for one in refused["validation_errors"])]
        assert set(named) == set(wrong)
        wire.call(action="complete_phase", session_id=session, phase=1, evidence={})
        for call in calls(session):
            if call["action"] != "complete_phase":
                wire.call(**call)
        wire.call(action="get_session", session_id=session, phase=1)
        wire.call(action="retry_phase", session_id=session, phase=1)
        wire.call(action="get_task", session_id=session, phase=1, task_number=1)
        wire.request("tools/list")
        said = b"".join(wire.lines).decode()
    for name in ("equals", "one_of", "number", "contains"):
        assert str(SECRETS[name]) not in said, name
    assert '"const"' not in said
    assert '\\"const\\"' not in said


@pytest.mark.requirement("list-workflows")
def test_a_definition_that_does_not_load_is_named_and_hides_no_other(home: Home) -> None:
    home.write({".praxis-os/workflows/test_generation_v3/metadata.json": "{"})
    reply = home.asking()(action="list_workflows")
    assert [one["workflow_type"] for one in reply["invalid"]] == ["test_generation_v3"]
    assert {"spec_creation_v1", "small_change_v1", "steps"} <= {one["workflow_type"] for one in reply["workflows"]}
    started = home.asking()(action="start", workflow_type="test_generation_v3", target_file="a.py")
    assert started["error_type"] == "ConfigurationError"


@pytest.mark.requirement("list-workflows")
def test_a_definition_that_hides_another_says_so(home: Home) -> None:
    home.define("small_change_v1", [{"number": 1}])
    ask = home.asking()
    (mine,) = [one for one in ask(action="list_workflows")["workflows"] if one["workflow_type"] == "small_change_v1"]
    assert (mine["source"], mine["shadows"]) == ("project", ["bundled"])
    started = ask(action="start", workflow_type="small_change_v1", target_file="a.py")
    assert started["source"] == "project"
    assert "bundled" in started["warnings"][0]


@pytest.mark.requirement("complete-phase-refused")
def test_what_a_lenient_gate_lets_pass_is_a_warning_in_every_answer(home: Home) -> None:
    fields = {"done": field(), "extra": {"type": "integer", "required": False}}
    gate = {"checkpoint": {"strict": False}, "evidence_schema": fields}
    home.define("lenient", [{"number": 1, "gate": gate}, {"number": 2}])
    ask = home.asking()
    session = ask(action="start", workflow_type="lenient", target_file="a.py")["session_id"]
    refused = ask(action="complete_phase", session_id=session, phase=1, evidence={"extra": "many"})
    assert refused["missing_evidence"] == ["done"]
    passed = ask(action="complete_phase", session_id=session, phase=1, evidence={**PASSING, "extra": "many"})
    assert passed["checkpoint_passed"] is True
    for reply in (refused, passed):
        (warning,) = reply["warnings"]
        assert warning.startswith("extra: ")


@pytest.mark.requirement("alias-claimed-twice")
def test_an_alias_that_two_claim_is_nobodys(home: Home) -> None:
    home.define("other", [{"number": 1}], aliases=["stairs"])
    reply = home.asking()(action="start", workflow_type="stairs", target_file="a.py")
    assert reply["error_type"] == "ConfigurationError"
    assert "steps" in reply["error"]
    assert "other" in reply["error"]


@pytest.mark.requirement("sessions-pin-their-definition")
def test_a_running_session_keeps_the_definition_it_began_with(home: Home) -> None:
    ask = home.asking()
    session = arrange(ask, "open")
    before = ask(action="get_phase", session_id=session)["phase_content"]
    home.define("steps", [{"number": 1}, {"number": 2, "text": "Something else."}])
    assert home.asking()(action="get_phase", session_id=session)["phase_content"] == before
    assert home.asking()(action="get_session", session_id=session)["session"]["definition"]["moved_on"] is True
    assert home.asking()(action="complete_phase", session_id=session, phase=2, evidence=PASSING)["checkpoint_passed"]


@pytest.mark.requirement("phase-numbers-are-the-definitions-own")
def test_a_workflow_may_begin_at_phase_0_and_have_holes(home: Home) -> None:
    gate = {"evidence_schema": {"done": field()}}
    home.define("holes", [{"number": number, "gate": gate} for number in (0, 3, 7)])
    ask = home.asking()
    started = ask(action="start", workflow_type="holes", target_file=".")
    session = started["session_id"]
    assert (started["current_phase"], started["total_phases"]) == (0, 3)
    for phase, following in ((0, 3), (3, 7)):
        reply = ask(action="complete_phase", session_id=session, phase=phase, evidence=PASSING)
        assert reply["next_phase"]["phase_number"] == following
    names = ask(action="get_phase", session_id=session)["phase_content"]["artifacts_from_previous_phases"]
    assert names == {"phase_0": ["done"], "phase_3": ["done"]}
    assert ask(action="rollback", session_id=session, to_phase=2)["error_type"] == "NotFoundError"
    assert ask(action="rollback", session_id=session, to_phase=0)["artifacts_cleared"] == [3]


@pytest.mark.requirement("reopen-by-a-person")
def test_a_gate_that_only_a_person_reopens_stays_shut_to_the_tool(home: Home) -> None:
    gate = {"evidence_schema": {"done": field()}, "max_attempts": 1, "reopen": "person"}
    home.define("strictly", [{"number": 1, "gate": gate}, {"number": 2}])
    ask = home.asking()
    session = ask(action="start", workflow_type="strictly", target_file="a")["session_id"]
    failed = ask(action="complete_phase", session_id=session, phase=1, evidence={})
    assert failed["session_status"] == "failed"
    before = home.tree()
    for call in ({"action": "retry_phase", "phase": 1}, {"action": "rollback", "to_phase": 1}):
        reply = ask(session_id=session, **call)
        assert (reply["error_type"], reply["allowed_actions"]) == ("StateError", ["delete_session"])
        assert "pos-workflow reopen" in reply["remediation"]
        assert reply["allowed_actions"] == ["delete_session"]
    assert home.tree() == before
    assert {one["arguments"]["action"] for one in failed["next_actions"]} <= {"get_errors", "delete_session"}


def test_the_files_of_honest_evidence_are_there(shared_home: Home) -> None:
    assert all((shared_home.project / name).is_file() for files in FILES.values() for name in files)
