"""Whatever instant a server dies, the same call with the same request_id ends in one application and one answer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from time import sleep

import pytest

from mcp_server.domain.authority import Authority
from mcp_server.domain.events import AttemptBegun, PhaseCompleted
from mcp_server.engine import Engine
from tests.acceptance.test_repeats import CALLS, START, committed
from tests.storage.dying import Machine, moments
from tests.support import PASSING, Body, Home, arrange, asking, define_small_workflows, field
from tests.trusting import trust
from tests.wire import Wire

pytestmark = pytest.mark.integration

RUNNING: Body = {"id": "runs", "run": ["python", "-c", "pass"], "pass": {"exit_code": 0}}
LOOKING: Body = {"id": "looks", "glob": "*.md", "pass": {"count_at_most": 99}}
EVIDENCE: Body = {"evidence_schema": {"done": field()}}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    home.define("looked", [{"number": 1, "gate": {**EVIDENCE, "checks": [LOOKING]}}, {"number": 2}])
    home.define("run", [{"number": 1, "gate": {**EVIDENCE, "checks": [RUNNING]}}, {"number": 2}])
    home.define("asked", [{"number": 1, "gate": {**EVIDENCE, "approval": {"prompt": "Good?"}}}, {"number": 2}])
    return home


def begun(machine: Machine, workflow: str) -> Body:
    """The call that hands in the first phase of a new session of a workflow."""
    session = asking(machine.engine())(action="start", workflow_type=workflow, target_file=".")["session_id"]
    return {"action": "complete_phase", "session_id": session, "phase": 1, "evidence": PASSING}


@pytest.mark.requirement("nothing-acknowledged-is-lost")
@pytest.mark.requirement("request-id-repeats-the-answer")
@pytest.mark.parametrize("name", [*CALLS, "start"])
def test_a_call_that_died_anywhere_is_done_once_when_it_is_repeated(home: Home, name: str, tally: Counter[str]) -> None:
    machine = Machine.new(home)
    call: Body = {**START, "request_id": "died-anywhere-1"}
    if name != "start":
        state, arguments = CALLS[name]
        call = {"session_id": arrange(asking(machine.engine()), state), "request_id": "died-anywhere-1", **arguments}
    watched = machine.watched()
    asking(machine.engine(watched))(**call)
    for moment, left in moments(machine, watched):
        first = asking(left.engine())(**call)
        again = asking(left.engine())(**call)
        assert again["replayed"] is True, moment
        assert committed(again) == committed(first), moment
        assert left.applied(call["request_id"]) == 1, moment
        assert left.store().verify().ok, moment
        tally["deaths of a server"] += 1
    assert tally["deaths of a server"] > 10


@pytest.mark.requirement("nothing-acknowledged-is-lost")
@pytest.mark.parametrize("workflow", ["looked", "run"])
def test_an_attempt_whose_server_died_is_answered_as_interrupted_or_with_its_verdict_and_made_once(
    home: Home, workflow: str, tally: Counter[str]
) -> None:
    machine = Machine.new(home)
    call = {**begun(machine, workflow), "request_id": "attempt-that-died"}
    watched = machine.watched()
    assert asking(machine.engine(watched))(**call)["checkpoint_passed"] is True
    fates: Counter[str] = Counter()
    for moment, left in moments(machine, watched):
        first = asking(left.engine())(**call)
        again = asking(left.engine())(**call)
        fates["passed" if first["checkpoint_passed"] else first["gate"]] += 1
        assert again["replayed"] is True, moment
        assert committed(again) == committed(first), moment
        assert left.applied(call["request_id"]) == 1, moment
        events = left.events(call["session_id"])
        assert sum(isinstance(event, AttemptBegun) for event in events) == 1, moment
        assert sum(isinstance(event, PhaseCompleted) for event in events) == first["checkpoint_passed"], moment
        tally["deaths of a server"] += 1
    assert set(fates) == {"passed", "interrupted"}


@pytest.mark.requirement("nothing-acknowledged-is-lost")
def test_an_approval_whose_program_died_is_given_once(home: Home, tally: Counter[str]) -> None:
    machine = Machine.new(home)
    call = {**begun(machine, "asked"), "request_id": "asked-and-answered"}
    assert asking(machine.engine())(**call)["gate"] == "awaiting_approval"
    watched = machine.watched()
    approve(machine.engine(watched), call["session_id"])
    fates: Counter[str] = Counter()
    for moment, left in moments(machine, watched):
        stands = asking(left.engine())(**call)
        fates["passed" if stands["checkpoint_passed"] else stands["gate"]] += 1
        if not stands["checkpoint_passed"]:
            approve(left.engine(), call["session_id"])
        first, again = (asking(left.engine())(**call) for _ in range(2))
        assert first["checkpoint_passed"] is True, moment
        assert committed(again) == committed(first), moment
        events = left.events(call["session_id"])
        assert sum(isinstance(event, PhaseCompleted) for event in events) == 1, moment
        assert left.store().verify().ok, moment
        tally["deaths of a server"] += 1
    assert set(fates) == {"passed", "awaiting_approval"}


def approve(engine: Engine, session_id: str) -> None:
    """What a person says."""
    approvals = engine.persons.approvals
    approvals.approve(session_id, approvals.asked(session_id).under_way.run, Authority(user="a person"))


PREPARED: dict[str, tuple[list[Body], Body]] = {
    "passed": ([], {"action": "complete_phase", "phase": 1, "evidence": PASSING}),
    "refused": ([], {"action": "complete_phase", "phase": 1, "evidence": {}}),
    "pause": ([], {"action": "pause"}),
    "resume": ([{"action": "pause"}], {"action": "resume"}),
    "retry_phase": ([], {"action": "retry_phase", "phase": 1}),
    "rollback": ([], {"action": "rollback", "to_phase": 1}),
    "delete_session": ([], {"action": "delete_session"}),
    "run": ([], {"action": "complete_phase", "phase": 1, "evidence": PASSING}),
}
"""What is done to a new session beforehand, and the call that a server is killed at."""


def prepared(wire: Wire, number: int, chance: Random) -> list[Body]:
    """A start and some calls of other kinds, each of a session of its own, in any order."""
    calls: list[Body] = [{**START, "request_id": f"killed-start-{number:04}"}]
    for name in chance.sample(sorted(PREPARED), 4):
        before, call = PREPARED[name]
        workflow = "run" if name == "run" else "steps"
        session = wire.call(action="start", workflow_type=workflow, target_file=".")["session_id"]
        for one in before:
            wire.call(session_id=session, **one)
        calls.append({"session_id": session, "request_id": f"killed-{name}-{number:04}", **call})
    chance.shuffle(calls)
    return calls


@pytest.mark.requirement("nothing-acknowledged-is-lost")
@pytest.mark.requirement("request-id-repeats-the-answer")
@pytest.mark.parametrize(
    "rounds", [pytest.param(40, id="some"), *(pytest.param(200, id=f"many-{n}", marks=pytest.mark.slow) for n in "123")]
)
def test_a_server_that_is_killed_amid_calls_leaves_each_done_once_when_repeated(
    home: Home, rounds: int, chance: Random, tally: Counter[str]
) -> None:
    trust(home, "run")
    pending: list[tuple[Body, Body | None]] = []
    every: list[Body] = []
    for number in range(rounds + 1):
        with Wire(home) as wire:
            for call, heard in pending:
                first = heard or wire.call(**call)
                again = wire.call(**call)
                assert again["replayed"] is True, call
                assert committed(again) == committed(first), call
                tally["calls never heard of"] += heard is None
            if number == rounds:
                assert wire.call(action="list_sessions")["corrupt"] == []
                break
            calls = prepared(wire, number, chance)
            ids = [wire.post_call(**call) for call in calls]
            wire.answer(ids[chance.randrange(len(ids) - 1)])
            sleep(chance.uniform(0.0, 0.01))
            wire.process.kill()
            wire.wait()
            known = {one: wire.body(wire.answer(one)) for one in wire.answered(ids)}
            pending = [(call, known.get(one)) for call, one in zip(calls, ids, strict=True)]
            every += calls
            tally["servers killed"] += 1
    logs = [path for folder in ("workflows", "trash") for path in (home.state / folder).glob("*.jsonl")]
    told = "".join(path.read_text() for path in logs)
    assert {call["request_id"]: told.count(f'"{call["request_id"]}"') for call in every} == {
        call["request_id"]: 1 for call in every
    }
