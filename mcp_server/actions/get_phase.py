"""``get_phase``: read the current phase."""

from __future__ import annotations

from mcp_server.actions.action import Action, Answer, Params, Reply
from mcp_server.actions.content import PhaseContent, page_of_phase, phase_pager
from mcp_server.actions.fields import Cursor, SessionId
from mcp_server.engine import Engine


class GetPhase(Params):
    """Read the current phase: its instructions, its tasks and what its checkpoint asks for.

    A long phase comes in pages: ``instructions`` first, then tasks, evidence and artifacts. The cursor of a reply that
    changed something is continued here too.
    """

    session_id: SessionId
    cursor: Cursor | None = None


class CurrentPhase(Reply):
    """The current phase; ``gate`` says how its gate stands while the session is active.

    ``overridden_phases`` are those that a person let go although their gate did not.
    """

    current_phase: int
    total_phases: int
    phase_content: PhaseContent
    overridden_phases: list[int] | None = None
    gate: str | None = None


def run(engine: Engine, params: GetPhase) -> Answer:
    """Show the phase."""
    view = engine.view(params.session_id)
    session = view.session
    pager = phase_pager(session, params.cursor)
    reply = CurrentPhase(
        current_phase=session.current_phase,
        total_phases=len(session.phases),
        phase_content=page_of_phase(engine, session, view.workflow, pager),
        overridden_phases=list(session.overridden_phases) or None,
        gate=session.gate,
        next_cursor=pager.next_cursor,
    )
    return Answer(reply, session)


ACTION = Action("get_phase", GetPhase, CurrentPhase, run)
