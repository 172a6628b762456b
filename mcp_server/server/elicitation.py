"""A gate's question put to the assistant's client, where the gate allows any channel and the client can ask.

An answer proves that a client answered, not that a person did, and is recorded as just that. Without an answer nothing
happens: the gate goes on waiting. Each attempt is asked about once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import anyio
import anyio.to_thread
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from mcp_server.actions.complete_phase import told_of
from mcp_server.actions.paging import clipped
from mcp_server.dispatch import Answered, conclude
from mcp_server.domain.authority import Authority
from mcp_server.domain.checks import Approval
from mcp_server.engine import Engine
from mcp_server.engine.approvals import Asked
from mcp_server.errors import PosWorkflowError, StateError
from mcp_server.server.eras import is_modern

REMEMBERED: Final = 1_000
"""How many attempts are remembered as asked about; who is asked again after that answers the same question."""
SHORTEST_SECONDS: Final = 10.0
"""A person needs this long at least; with less time left the next call asks."""
VALUE_BYTES: Final = 200
MESSAGE_BYTES: Final = 4_000
MAX_NOTE: Final = 2_000

_KEY: Final = "approval"
_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"note": {"type": "string", "title": "Note", "description": "What to say to it, for the record"}},
}
_log = logging.getLogger(__name__)


class Elicitation:
    """The questions that one server puts to its clients."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._put: dict[str, None] = {}
        self._waiting: set[anyio.CancelScope] = set()

    def close(self) -> None:
        """Wait for no answer any more; on the event loop."""
        for scope in self._waiting:
            scope.cancel()

    async def after(
        self, answered: Answered, params: types.CallToolRequestParams, ctx: ServerRequestContext[Any], deadline: float
    ) -> Answered | types.InputRequiredResult:
        """The reply to a call, or the question that it leads to; with the client's answer what came of that.

        ``deadline``, on the event loop's clock, is when the caller has to have a reply.
        """
        if answered.body.get("gate") != "awaiting_approval" or not _asks(ctx):
            return answered
        asked = await anyio.to_thread.run_sync(self._asked, answered)
        if asked is None:
            return answered
        run = asked.under_way.run
        # The question is then the answer to the call, and the client repeats the call with the person's.
        modern = is_modern(ctx)
        said: object = None
        if run in self._put:
            said = (params.input_responses or {}).get(_KEY) if modern and params.request_state == run else None
        elif modern or deadline - anyio.current_time() >= SHORTEST_SECONDS:
            self._remember(run)
            form = await anyio.to_thread.run_sync(_form, self._engine, asked)
            if modern:
                return types.InputRequiredResult(
                    input_requests={_KEY: types.ElicitRequest(params=form)}, request_state=run
                )
            said = await self._elicited(form, ctx, deadline)
        if not isinstance(said, types.ElicitResult) or said.action == "cancel":
            return answered
        return await anyio.to_thread.run_sync(self._decided, answered, params.arguments, asked, said)

    def _remember(self, run: str) -> None:
        self._put[run] = None
        while len(self._put) > REMEMBERED:
            del self._put[next(iter(self._put))]

    def _asked(self, answered: Answered) -> Asked | None:
        """What the session asks, if a client may be asked and the answer would count."""
        try:
            asked = self._engine.persons.approvals.asked(answered.body["session_id"])
        except PosWorkflowError:
            return None
        approval = asked.phase.gate.approval
        return asked if approval is not None and approval.channel == "any" and asked.stale is None else None

    async def _elicited(
        self, form: types.ElicitRequestFormParams, ctx: ServerRequestContext[Any], deadline: float
    ) -> types.ElicitResult | None:
        """The client's answer; None when it gave none in time, or an error."""
        with anyio.CancelScope(deadline=deadline) as scope:
            self._waiting.add(scope)
            try:
                return await ctx.session.elicit_form(form.message, form.requested_schema, ctx.request_id)
            except (MCPError, ValidationError) as error:
                _log.info("elicitation_failed", extra={"error": type(error).__name__})
            finally:
                self._waiting.discard(scope)
        return None

    def _decided(
        self, answered: Answered, arguments: dict[str, Any] | None, asked: Asked, said: types.ElicitResult
    ) -> Answered:
        """Carry out what the client answered; the gate goes on waiting when the answer came too late."""
        approvals = self._engine.persons.approvals
        decide: Callable[..., Any] = approvals.approve if said.action == "accept" else approvals.reject
        note = (said.content or {}).get("note")
        note = note.strip()[:MAX_NOTE] or None if isinstance(note, str) else None
        authority = Authority(channel="elicitation")
        try:
            outcome = decide(asked.session.session_id, asked.under_way.run, authority, note)
        except StateError as error:
            warnings = [*answered.body.get("warnings", []), f"The client's answer was not taken: {error.message}"]
            return Answered({**answered.body, "warnings": warnings}, answered.is_error)
        return conclude(self._engine, arguments, partial(told_of, self._engine, outcome))


def _asks(ctx: ServerRequestContext[Any]) -> bool:
    """Whether the client has said that it can show a form."""
    capabilities = ctx.session.client_capabilities
    declared = capabilities.elicitation if capabilities else None
    return declared is not None and (declared.form is not None or declared.url is None)


def _form(engine: Engine, asked: Asked) -> types.ElicitRequestFormParams:
    """The question, and in short what was submitted and what the checks came to."""
    session, phase, approval = asked.session, asked.phase, asked.phase.gate.approval
    about = f"Phase {phase.number} ({phase.title}) of {session.workflow_type} on {session.target_file}"
    lines = [
        (approval or Approval()).question,
        f"{about}, attempt {asked.under_way.attempt}:",
    ]
    if session.draft is not None:
        for name, item in engine.evidence(session.draft.evidence).items():
            value = f"{item.stored.bytes} bytes" if item.stored else clipped(engine.value(item), VALUE_BYTES)
            lines.append(f"- {name} ({item.basis}): {value}")
    if asked.under_way.checked is not None:
        lines += [f"- check {one.id}: {one.status}" for one in asked.under_way.checked.checks]
    lines.append(f"To see all of it: pos-workflow approve {session.session_id}")
    return types.ElicitRequestFormParams(message=clipped("\n".join(lines), MESSAGE_BYTES), requested_schema=_FORM)
