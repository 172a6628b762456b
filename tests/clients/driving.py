"""A workflow that ships, driven from the list to its end by nothing but what the tool itself proposes."""

from __future__ import annotations

from tests.shipped_evidence import HONEST, TARGET
from tests.support import Ask, Body

WORKFLOW = "small_change_v1"
MOST_CALLS = 20


def drive(ask: Ask) -> Body:
    """The state at the end. At the first gate nothing is submitted first, so that it has to refuse."""
    listed = ask(action="list_workflows")["workflows"]
    assert WORKFLOW in [one["workflow_type"] for one in listed]
    reply = ask(action="start", workflow_type=WORKFLOW, target_file=TARGET[WORKFLOW])
    read = refused = 0
    for _ in range(MOST_CALLS):
        proposed = reply["next_actions"][0]
        call: Body = dict(proposed["arguments"])
        read += call["action"] == "get_task"
        if "evidence" in proposed.get("fill", ()):
            call["evidence"] = HONEST[WORKFLOW][call["phase"]] if refused else {}
        reply = ask(**call)
        if reply["status"] == "error":
            assert (reply["error_type"], refused) == ("ValidationError", 0)
            assert set(reply["missing_evidence"]) <= set(HONEST[WORKFLOW][call["phase"]])
            refused += 1
        if reply.get("workflow_completed"):
            break
    assert (read, refused) == (4, 1)
    return ask(action="get_state", session_id=reply["session_id"])
