"""``delete_session``: put a session into the trash."""

from __future__ import annotations

from mcp_server.actions.action import Action, Answer, Part, Reply, SessionMutation
from mcp_server.actions.fields import Reason, SessionId
from mcp_server.engine import Engine


class DeleteSession(SessionMutation):
    """Delete a session; deleting one that is not there is no error.

    The person can take it out of the trash with ``pos-workflow undelete``; the reason stays in the audit log.
    """

    session_id: SessionId
    reason: Reason | None = None


class Cleanup(Part):
    """What became of the session's files; its artifacts stay in the trash."""

    state_file_removed: bool
    artifacts_preserved: bool


class Deleted(Reply):
    """``deleted`` is false when there was no such session."""

    deleted: bool
    cleanup: Cleanup


def run(engine: Engine, params: DeleteSession) -> Answer:
    """Delete it."""
    committed = engine.delete_session(params.session_id, params.reason, params.call())
    there = committed is not None
    reply = Deleted(deleted=there, cleanup=Cleanup(state_file_removed=there, artifacts_preserved=there))
    return Answer.of(committed, reply) if committed else Answer(reply)


ACTION = Action("delete_session", DeleteSession, Deleted, run)
