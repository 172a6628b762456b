"""``rollback``: make an earlier phase current again."""

from __future__ import annotations

from mcp_server.actions.action import Action, Answer, Reply, SessionMutation
from mcp_server.actions.content import PhaseContent, first_page
from mcp_server.actions.fields import SessionId, ToPhase
from mcp_server.domain.events import RolledBack as RolledBackEvent
from mcp_server.engine import Engine


class Rollback(SessionMutation):
    """Go back to an earlier phase, or to the start of the current one.

    What the phases after it had accepted is no longer accepted; what it had accepted itself is kept as a draft. The
    history keeps everything.
    """

    session_id: SessionId
    to_phase: ToPhase


class RolledBack(Reply):
    """The phase that is current now, and the phases whose artifacts were cleared."""

    rolled_back: bool
    from_phase: int
    to_phase: int
    artifacts_cleared: list[int]
    phase_content: PhaseContent


def run(engine: Engine, params: Rollback) -> Answer:
    """Roll back."""
    outcome = engine.rollback(params.session_id, params.to_phase, params.call())
    event, session = outcome.committed.event, outcome.committed.session
    assert isinstance(event, RolledBackEvent)  # noqa: S101 - what rollback commits
    content, cursor = first_page(engine, session, outcome.workflow)
    reply = RolledBack(
        rolled_back=True,
        from_phase=event.from_phase,
        to_phase=event.to_phase,
        artifacts_cleared=list(event.cleared),
        phase_content=content,
        next_cursor=cursor,
    )
    return Answer.of(outcome.committed, reply)


ACTION = Action("rollback", Rollback, RolledBack, run)
