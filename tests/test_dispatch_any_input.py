"""Whatever is asked, in whatever form: the reply keeps its promises, and nothing is a defect of ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server.actions.schema import input_schema
from tests.support import ACTIONS, STATES, STATUS_OF, Ask, Home, arrange, define_small_workflows

pytestmark = pytest.mark.integration

PARAMETERS = [name for name in input_schema()["properties"] if name != "action"]
STATUSES = {"active", "paused", "failed", "completed", "deleted"}


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    home = Home.make(tmp_path_factory.mktemp("any_input"))
    define_small_workflows(home)
    return home.asking()


@pytest.fixture(scope="module")
def sessions(ask: Ask) -> dict[str, str]:
    return {state: arrange(ask, state) for state in STATES}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-3, 10)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        ["", "{}", '{"done": "x"}', "[", "..", "/", "steps", ".", "a" * 5000, "\ud800", "active", "é" * 13]
    ),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=12), part, max_size=3),
    max_leaves=6,
)
PLAUSIBLE: dict[str, st.SearchStrategy[Any]] = {
    "workflow_type": st.sampled_from(["steps", "stairs", "guarded", "test_generation_v3", "nothing"]),
    "target_file": st.sampled_from(["a.py", ".", "src/b"]),
    "phase": st.integers(0, 4),
    "to_phase": st.integers(0, 4),
    "task_number": st.integers(0, 3),
    "evidence": st.sampled_from([{}, {"done": "x"}, {"done": ""}, '{"done": 1}', {"done": "x" * 3000}]),
    "expected_version": st.integers(1, 12),
    "request_id": st.sampled_from(["request-00000001", "request-00000002", "request-00000003"]),
    "reset_evidence": st.booleans(),
}


@st.composite
def any_call(draw: st.DrawFn) -> dict[str, Any]:
    """A call that is right, nearly right, or nonsense; ``session`` stands for a state's session."""
    action = draw(st.sampled_from(ACTIONS))
    takes = input_schema()["properties"]
    call: dict[str, Any] = {"action": action}
    fitting = [name for name in PARAMETERS if name in PLAUSIBLE and draw(st.booleans())]
    call |= {
        name: draw(PLAUSIBLE[name]) for name in fitting if action in takes[name]["description"] or draw(st.booleans())
    }
    if draw(st.booleans()):
        call["session"] = draw(st.sampled_from(STATES))
    for name in draw(st.lists(st.sampled_from([*PARAMETERS, "action", "colour"]), max_size=2)):
        call[name] = draw(JSON)
    return call


@pytest.mark.requirement("a-defect-of-ours")
@pytest.mark.requirement("replies-stay-small")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_call())
def test_no_call_is_a_defect_of_ours(ask: Ask, sessions: dict[str, str], given_call: dict[str, Any]) -> None:
    call = dict(given_call)
    state = call.pop("session", None)
    if state is not None:
        call.setdefault("session_id", sessions[state])
    reply = ask(**call)
    assert reply.get("error_type") != "RuntimeError", reply
    if "session_id" in reply and reply.get("error_type") != "CorruptStateError":
        assert reply["session_status"] in STATUSES
        assert reply["version"] >= 1
    if reply.get("session_status") == "deleted":
        sessions[state or "open"] = arrange(ask, state or "open")


def test_the_states_are_those_of_the_contract() -> None:
    assert {STATUS_OF.get(state, state) for state in STATES} == STATUSES - {"deleted"}
