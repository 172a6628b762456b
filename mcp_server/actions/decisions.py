"""What a person decided about a phase, as replies tell it: how it is known who it was, when, and what they said."""

from __future__ import annotations

from datetime import datetime

from mcp_server.actions.action import Part
from mcp_server.domain.authority import Channel
from mcp_server.domain.events import PhaseCompleted, PhaseOverridden, WorkflowCompleted, WorkflowOverridden
from mcp_server.domain.results import Decision
from mcp_server.domain.session import Session
from mcp_server.engine import Engine

Pass = PhaseCompleted | WorkflowCompleted | PhaseOverridden | WorkflowOverridden


class DecidedBy(Part):
    """``authenticated`` means that the operator's passphrase was given; a client that answered proves no person."""

    channel: Channel
    authenticated: bool
    at: datetime
    note: str | None = None


def decided_by(decision: Decision | None) -> DecidedBy | None:
    """A decision as replies tell it."""
    if decision is None:
        return None
    authority = decision.authority
    return DecidedBy(
        channel=authority.channel, authenticated=authority.authenticated, at=decision.at, note=decision.note
    )


def passes(engine: Engine, session: Session) -> dict[int, Pass]:
    """By phase the event that let it go last, of the phases that a person let go."""
    decided = {one.phase for one in session.phase_history if one.basis in ("human", "overridden")}
    if not decided:
        return {}
    events = (record.event for record in engine.events(session.session_id))
    return {event.phase: event for event in events if isinstance(event, Pass) and event.phase in decided}
