"""A gate's question put to the client, in both eras: an answer is taken for what it is, and silence for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, types

from mcp_server.server import build_server
from tests.support import Body, Home, bare_environment, checked, field, server_command

pytestmark = pytest.mark.integration

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])


class Person:
    """A client's person, who answers every question the same way and remembers what was asked."""

    def __init__(self, action: str, **content: str) -> None:
        self.action = action
        self.content = content
        self.asked: list[str] = []

    async def __call__(  # the SDK names the parameters
        self,
        context: Any,  # noqa: ARG002
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult | types.ErrorData:
        self.asked.append(params.message)
        if self.action == "error":
            return types.ErrorData(code=types.INTERNAL_ERROR, message="no window to ask in")
        return types.ElicitResult.model_validate({"action": self.action, "content": self.content or None})


def asking(channel: str) -> Body:
    approval = {"required": True, "prompt": "Is it good?", "channel": channel}
    return {"max_attempts": 2, "evidence_schema": {"done": field()}, "approval": approval}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.make(tmp_path)
    home.define("anyhow", [{"number": 1, "gate": asking("any")}, {"number": 2}])
    home.define("strictly", [{"number": 1, "gate": asking("out_of_band")}, {"number": 2}])
    return home


async def call(client: Client, **arguments: Any) -> Body:
    result = await client.call_tool("pos_workflow", arguments)
    (content,) = result.content
    assert content.type == "text"
    assert result.structured_content is not None
    return checked(result.structured_content, is_error=result.is_error, text=content.text)


async def submitted(client: Client, workflow: str = "anyhow", **more: Any) -> Body:
    started = await call(client, action="start", workflow_type=workflow, target_file="a.py")
    return await call(client, **submission(started["session_id"]), **more)


def submission(session: str) -> Body:
    return {"action": "complete_phase", "session_id": session, "phase": 1, "evidence": {"done": "all of it"}}


@ERAS
async def test_an_accepted_question_lets_the_phase_go_and_says_that_a_client_answered(home: Home, mode: str) -> None:
    person = Person("accept", note="looks fine")
    async with Client(build_server(home.engine()), mode=mode, elicitation_callback=person) as client:
        reply = await submitted(client, request_id="approve-me-0001")
        assert (reply["checkpoint_passed"], reply["basis"]) == (True, "human")
        decided = reply["decided_by"]
        assert (decided["channel"], decided["authenticated"], decided["note"]) == ("elicitation", False, "looks fine")
        again = await call(client, **submission(reply["session_id"]), request_id="approve-me-0001")
        assert (again["checkpoint_passed"], again["replayed"]) == (True, True)
    (question,) = person.asked
    for shown in ("Is it good?", "attempt 1", 'done (attested): "all of it"', "pos-workflow approve"):
        assert shown in question


@ERAS
async def test_a_declined_question_is_a_refused_attempt(home: Home, mode: str) -> None:
    async with Client(build_server(home.engine()), mode=mode, elicitation_callback=Person("decline")) as client:
        reply = await submitted(client)
        assert (reply["error_type"], reply["gate"], reply["attempts_left"]) == ("ValidationError", "refused", 1)
        assert "A person rejected attempt 1" in reply["error"]


@ERAS
async def test_a_question_that_is_cancelled_changes_nothing_and_is_not_asked_again(home: Home, mode: str) -> None:
    person = Person("cancel")
    async with Client(build_server(home.engine()), mode=mode, elicitation_callback=person) as client:
        reply = await submitted(client)
        assert reply["gate"] == "awaiting_approval"
        again = await call(client, **submission(reply["session_id"]))
        assert again["gate"] == "awaiting_approval"
        assert len(person.asked) == 1
        assert any("pos-workflow approve" in one["why"] for one in again["next_actions"])


async def test_a_client_that_fails_to_ask_changes_nothing(home: Home) -> None:
    async with Client(build_server(home.engine()), mode="legacy", elicitation_callback=Person("error")) as client:
        assert (await submitted(client))["gate"] == "awaiting_approval"


@ERAS
async def test_a_gate_that_wants_another_channel_is_never_put_to_the_client(home: Home, mode: str) -> None:
    person = Person("accept")
    async with Client(build_server(home.engine()), mode=mode, elicitation_callback=person) as client:
        assert (await submitted(client, "strictly"))["gate"] == "awaiting_approval"
    assert person.asked == []


@ERAS
async def test_a_client_that_cannot_ask_is_not_asked(home: Home, mode: str) -> None:
    async with Client(build_server(home.engine()), mode=mode) as client:
        assert (await submitted(client))["gate"] == "awaiting_approval"


@ERAS
async def test_an_answer_to_evidence_that_was_replaced_meanwhile_is_not_taken(home: Home, mode: str) -> None:
    engine = home.engine()
    sessions: list[str] = []

    async def late(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        session = engine.sessions().sessions[0].session_id
        if not sessions:
            sessions.append(session)
            other = home.asking()
            reply = other(action="complete_phase", session_id=session, phase=1, evidence={"done": "something else"})
            assert reply["gate"] == "awaiting_approval"
            return types.ElicitResult(action="accept")
        return types.ElicitResult(action="cancel")

    async with Client(build_server(engine), mode=mode, elicitation_callback=late) as client:
        await submitted(client)
        state = await call(client, action="get_state", session_id=sessions[0])
        assert (state["current_phase"], state["gate"]) == (1, "awaiting_approval")


async def test_an_answer_that_nobody_was_asked_for_is_none(home: Home) -> None:
    async with Client(build_server(home.engine()), mode="auto", elicitation_callback=Person("cancel")) as client:
        started = await call(client, action="start", workflow_type="strictly", target_file="a.py")
        reply = await call(client, **submission(started["session_id"]))
        assert reply["gate"] == "awaiting_approval"
        accepted = types.ElicitResult(action="accept")
        forged = await client.session.call_tool(
            "pos_workflow",
            submission(started["session_id"]),
            input_responses={"approval": accepted},
            request_state="anything",
        )
        assert isinstance(forged, types.CallToolResult)
        assert forged.structured_content is not None
        assert forged.structured_content["gate"] == "awaiting_approval"


async def test_other_calls_are_answered_while_a_person_thinks(home: Home) -> None:
    thinking, enough = anyio.Event(), anyio.Event()

    async def slow(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        thinking.set()
        await enough.wait()
        return types.ElicitResult(action="accept")

    async with Client(build_server(home.engine()), mode="legacy", elicitation_callback=slow) as client:
        replies: list[Body] = []

        async def submit() -> None:
            replies.append(await submitted(client))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(submit)
            await thinking.wait()
            assert (await call(client, action="list_sessions"))["sessions"][0]["current_phase"] == 1
            enough.set()
    assert replies[0]["checkpoint_passed"] is True


@pytest.mark.acceptance
@ERAS
async def test_over_standard_input_and_output_too(home: Home, mode: str) -> None:
    from mcp.client.stdio import StdioServerParameters  # noqa: PLC0415 - for this test alone

    program, *args = server_command(home)
    server = StdioServerParameters(command=program, args=args, env=bare_environment(), cwd="/")
    async with Client(server, mode=mode, elicitation_callback=Person("accept")) as client:
        assert (await submitted(client))["checkpoint_passed"] is True
