"""``resume``: go on with a paused session."""

from __future__ import annotations

from mcp_server.actions.action import Action, Answer, Reply, SessionMutation
from mcp_server.actions.content import PhaseContent, first_page
from mcp_server.actions.fields import SessionId
from mcp_server.domain.events import Resumed as ResumedEvent
from mcp_server.engine import Engine


class Resume(SessionMutation):
    """Go on with a paused session, at the phase where it was."""

    session_id: SessionId


class Resumed(Reply):
    """The current phase, and how long the session was paused."""

    resumed: bool
    current_phase: int
    paused_duration_seconds: float
    checkpoint_note: str | None = None
    phase_content: PhaseContent


def run(engine: Engine, params: Resume) -> Answer:
    """Resume it."""
    outcome = engine.resume(params.session_id, params.call())
    event, session = outcome.committed.event, outcome.committed.session
    assert isinstance(event, ResumedEvent)  # noqa: S101 - what resume commits
    content, cursor = first_page(engine, session, outcome.workflow)
    reply = Resumed(
        resumed=True,
        current_phase=session.current_phase,
        paused_duration_seconds=event.paused_seconds,
        checkpoint_note=session.checkpoint_note,
        phase_content=content,
        next_cursor=cursor,
    )
    return Answer.of(outcome.committed, reply)


ACTION = Action("resume", Resume, Resumed, run)
