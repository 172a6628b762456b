"""``pause``: stop for a while."""

from __future__ import annotations

from datetime import datetime

from mcp_server.actions.action import Action, Answer, Part, Reply, SessionMutation
from mcp_server.actions.fields import CheckpointNote, SessionId
from mcp_server.engine import Engine


class Pause(SessionMutation):
    """Pause an active session, with a note for whoever resumes it."""

    session_id: SessionId
    checkpoint_note: CheckpointNote | None = None


class Checkpoint(Part):
    """Where the session was paused."""

    phase: int
    timestamp: datetime
    note: str | None = None


class Paused(Reply):
    """The session waits for ``resume``."""

    paused: bool
    checkpoint: Checkpoint
    resume_capable: bool


def run(engine: Engine, params: Pause) -> Answer:
    """Pause it."""
    committed = engine.pause(params.session_id, params.checkpoint_note, params.call()).committed
    session = committed.session
    reply = Paused(
        paused=True,
        checkpoint=Checkpoint(phase=session.current_phase, timestamp=committed.event.at, note=session.checkpoint_note),
        resume_capable=True,
    )
    return Answer.of(committed, reply)


ACTION = Action("pause", Pause, Paused, run)
