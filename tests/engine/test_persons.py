"""What a person may do that the tool may not: each is bound to what the person was shown."""

from __future__ import annotations

import json
import shutil

import pytest

from mcp_server.app import open_store
from mcp_server.domain.authority import Authority
from mcp_server.engine import Engine
from mcp_server.errors import ConfigurationError, StateError
from mcp_server.settings import load
from tests.engine.conftest import ASKING, GATE
from tests.support import Ask, Body, Home

pytestmark = pytest.mark.integration

SOMEBODY = Authority(user="ada")


def start(ask: Ask, name: str) -> str:
    session: str = ask(action="start", workflow_type=name, target_file="src/a.py")["session_id"]
    return session


def test_a_phase_is_overridden_and_shown_as_such(engine: Engine, ask: Ask, waiting: str) -> None:
    engine.persons.override(waiting, 1, SOMEBODY, "the person is away")
    session = engine.view(waiting).session
    assert (session.current_phase, session.gate) == (2, "open")
    assert session.record_of(1).basis == "overridden"
    items = ask(action="get_session", session_id=waiting, phase=1)["evidence"]["items"]
    assert items == [{"name": "done", "basis": "overridden", "value": "yes"}]


def test_large_evidence_of_an_overridden_phase_is_kept(home: Home, engine: Engine, ask: Ask) -> None:
    session = start(ask, "asking")
    evidence = {f"part_{number}": "x" * 1000 for number in range(400)}
    ask(action="complete_phase", session_id=session, phase=1, evidence=evidence)
    engine.persons.override(session, 1, SOMEBODY, "it is all there")
    kept = engine.evidence(engine.view(session).session.artifacts[1])
    assert {name: item.value for name, item in kept.items()} == evidence
    assert {item.basis for item in kept.values()} == {"overridden"}


def test_a_failed_session_is_overridden(engine: Engine, ask: Ask) -> None:
    session = start(ask, "asking")
    for _ in range(2):
        ask(action="complete_phase", session_id=session, phase=1, evidence={})
    assert engine.view(session).session.session_status == "failed"
    engine.persons.override(session, 1, SOMEBODY, "it is good enough")
    assert engine.view(session).session.current_phase == 2


def test_a_gate_that_is_not_to_be_overridden_is_not(engine: Engine, ask: Ask) -> None:
    session = start(ask, "firm")
    with pytest.raises(StateError, match="not to be overridden"):
        engine.persons.override(session, 1, SOMEBODY, "hurry")
    assert engine.view(session).session.version == 1


def test_the_phase_that_was_shown_is_overridden_or_none(engine: Engine, waiting: str) -> None:
    engine.persons.override(waiting, 1, SOMEBODY, "one")
    with pytest.raises(StateError, match="in phase 2 by now"):
        engine.persons.override(waiting, 1, SOMEBODY, "the same once more")
    assert engine.view(waiting).session.current_phase == 2


@pytest.mark.parametrize("action", ["pause", "delete_session"])
def test_what_is_not_under_way_is_not_overridden(engine: Engine, ask: Ask, waiting: str, action: str) -> None:
    ask(action=action, session_id=waiting)
    with pytest.raises(Exception, match=r"paused|was deleted"):
        engine.persons.override(waiting, 1, SOMEBODY, "hurry")


def test_a_budget_changes_only_where_it_is_said(home: Home, engine: Engine, ask: Ask) -> None:
    budget: Body = {"max_tokens": 100, "max_cost_usd": 2.0, "mode": "strict"}
    home.define("frugal", [{"number": 1, "gate": GATE}], budget=budget)
    session = start(ask, "frugal")
    evidence = {"done": "yes", "usage": {"tokens": 150, "cost_usd": 1.0}}
    refused = ask(action="complete_phase", session_id=session, phase=1, evidence=evidence)
    assert refused["gate"] == "blocked"
    engine.persons.set_budget(session, SOMEBODY, {"max_tokens": 500}, "it is worth it")
    present = engine.view(session).session.budget
    assert present is not None
    assert present.model_dump() == {"max_active_minutes": None, **budget, "max_tokens": 500}
    assert ask(action="complete_phase", session_id=session, phase=1, evidence=evidence)["checkpoint_passed"]


def repinned(engine: Engine, session: str) -> None:
    engine.persons.repin(session, engine.persons.on_disk(session).digest, SOMEBODY, "the gate was wrong")


def test_a_session_goes_on_with_the_definition_on_disk(home: Home, engine: Engine, ask: Ask, waiting: str) -> None:
    home.define("asking", [{"number": 1, "gate": GATE}, {"number": 2, "gate": GATE}, {"number": 3}], version="2.0.0")
    repinned(engine, waiting)
    session = engine.view(waiting).session
    assert (session.definition.version, session.phases, session.gate) == ("2.0.0", (1, 2, 3), "open")
    evidence = {"done": "yes"}
    assert ask(action="complete_phase", session_id=waiting, phase=1, evidence=evidence)["checkpoint_passed"]


def test_a_definition_that_was_not_shown_is_not_pinned(home: Home, engine: Engine, waiting: str) -> None:
    home.define("asking", [{"number": 1, "gate": GATE}, {"number": 2}])
    shown = engine.persons.on_disk(waiting).digest
    home.define("asking", [{"number": 1, "gate": GATE}, {"number": 2}], version="3.0.0")
    with pytest.raises(StateError, match="changed in the meantime"):
        engine.persons.repin(waiting, shown, SOMEBODY, "why")
    assert engine.view(waiting).session.gate == "awaiting_approval"


def test_the_same_definition_is_not_pinned_again(engine: Engine, waiting: str) -> None:
    with pytest.raises(StateError, match="has the definition that is on disk"):
        engine.persons.on_disk(waiting)


def test_phases_that_a_session_was_in_have_to_stay(home: Home, engine: Engine, ask: Ask, waiting: str) -> None:
    engine.persons.override(waiting, 1, SOMEBODY, "go on")
    shutil.rmtree(home.definitions / "asking" / "phases" / "1")
    home.define("asking", [{"number": 2, "gate": GATE}])
    with pytest.raises(ConfigurationError, match="has been in 1, 2"):
        engine.persons.on_disk(waiting)


def test_a_session_that_began_after_the_first_phase_can_be_pinned_anew(home: Home, engine: Engine, ask: Ask) -> None:
    phases: list[Body] = [{"number": 0, "gate": GATE}, {"number": 1, "gate": GATE}]
    home.define("later", phases, start_phase=1)
    session = start(ask, "later")
    home.define("later", phases, start_phase=1, version="2.0.0")
    repinned(engine, session)
    assert engine.view(session).session.definition.version == "2.0.0"


def test_files_that_only_the_new_definition_protects_are_taken_as_they_are(
    home: Home, engine: Engine, ask: Ask
) -> None:
    home.define("guarding", [{"number": 1, "gate": {**GATE, "protected_paths": ["tests/**"]}}])
    home.write({"tests/a.py": "1", "docs/b.md": "1"})
    session = start(ask, "guarding")
    home.define("guarding", [{"number": 1, "gate": {**GATE, "protected_paths": ["tests/**", "docs/**"]}}])
    repinned(engine, session)
    evidence = {"done": "yes"}
    home.write({"docs/b.md": "2"})
    refused = ask(action="complete_phase", session_id=session, phase=1, evidence=evidence)
    assert "docs/b.md" in refused["error"]
    home.write({"docs/b.md": "1"})
    assert ask(action="complete_phase", session_id=session, phase=1, evidence=evidence)["checkpoint_passed"]


def test_every_decision_is_in_the_audit_log_and_all_of_it_verifies(
    home: Home, engine: Engine, ask: Ask, waiting: str
) -> None:
    def run() -> str:
        return engine.persons.approvals.asked(waiting).under_way.run

    engine.persons.approvals.reject(waiting, run(), SOMEBODY, "not yet")
    engine.persons.set_budget(waiting, SOMEBODY, {"max_tokens": 5}, "a limit")
    ask(action="complete_phase", session_id=waiting, phase=1, evidence={"done": "yes"})
    engine.persons.approvals.approve(waiting, run(), SOMEBODY, "fine")
    home.define("asking", [{"number": 1, "gate": ASKING}, {"number": 2, "gate": GATE}], version="3")
    repinned(engine, waiting)
    engine.persons.override(waiting, 2, SOMEBODY, "enough")
    lines = map(json.loads, (home.state / "audit.jsonl").read_text().splitlines())
    assert [(line["kind"], line["reason"]) for line in lines][1:] == [
        ("rejected", "not yet"),
        ("budget_raised", "a limit"),
        ("approved", "fine"),
        ("repinned", "the gate was wrong"),
        ("overridden", "enough"),
    ]
    store = open_store(load({"project": home.project, "user_dir": home.user}, cwd=home.project))
    assert store is not None
    report = store.verify()
    assert (report.ok, report.repaired) == (True, 0)


def test_evidence_of_a_phase_that_was_overridden_is_not_answered_by_its_old_refusal(
    engine: Engine, ask: Ask, waiting: str
) -> None:
    run = engine.persons.approvals.asked(waiting).under_way.run
    engine.persons.approvals.reject(waiting, run, SOMEBODY, "not on a Friday")
    engine.persons.override(waiting, 1, SOMEBODY, "released by hand")
    again = ask(action="complete_phase", session_id=waiting, phase=1, evidence={"done": "yes"})
    assert (again["error_type"], again["current_phase"]) == ("StateError", 2)
