"""``list_sessions``: which sessions there are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from mcp_server.actions.action import Action, Answer, Params, Part, Reply
from mcp_server.actions.fields import DEFAULT_LIMIT, Cursor, Limit, StatusFilter
from mcp_server.actions.paging import Pager, decode_cursor, encode_cursor
from mcp_server.domain.session import Session, Status
from mcp_server.engine import Engine

CORRUPT_SHOWN = 50


class ListSessions(Params):
    """List sessions, newest first.

    Pages stay in order while others write: a cursor names the last session that was shown.
    """

    status: StatusFilter | None = None
    limit: Limit | None = None
    cursor: Cursor | None = None


class SessionSummary(Part):
    """One session; ``stale`` when nothing has changed for long."""

    session_id: str
    workflow_type: str
    target_file: str
    current_phase: int
    total_phases: int
    status: str
    created_at: datetime
    last_updated: datetime
    completed_at: datetime | None = None
    stale: bool | None = None


class CorruptSession(Part):
    """A session whose files cannot be trusted; ``pos-workflow doctor`` tells more."""

    session_id: str
    finding: str


class SessionList(Reply):
    """``count`` sessions on this page of ``total`` with this status."""

    sessions: list[SessionSummary]
    count: int
    total: int
    corrupt: list[CorruptSession]


def run(engine: Engine, params: ListSessions) -> Answer:
    """List them, a page at a time."""
    listing = engine.sessions()
    wanted = [one for one in listing.sessions if params.status is None or one.session_status == params.status]
    wanted.sort(key=_order, reverse=True)
    after = wanted
    if params.cursor is not None:
        place = tuple(decode_cursor(params.cursor, str, str))
        after = [one for one in wanted if _order(one) < place]
    pager = Pager("list_sessions")
    limit = params.limit or DEFAULT_LIMIT
    stale_before = engine.now() - timedelta(days=engine.stale_after_days)
    page = pager.items(_summary(one, stale_before) for one in after[:limit])
    last = after[len(page) - 1] if page and len(page) < len(after) else None
    hidden = len(listing.corrupt) - CORRUPT_SHOWN
    reply = SessionList(
        sessions=[SessionSummary.model_validate(one) for one in page],
        count=len(page),
        total=len(wanted),
        corrupt=[
            CorruptSession(session_id=one.session_id, finding=one.finding) for one in listing.corrupt[:CORRUPT_SHOWN]
        ],
        warnings=[f"{hidden} more sessions cannot be trusted; pos-workflow doctor lists them."] if hidden > 0 else None,
        next_cursor=encode_cursor(*_order(last)) if last else None,
    )
    return Answer(reply)


def _order(session: Session) -> tuple[str, str]:
    return session.created_at.isoformat(), session.session_id


def _summary(session: Session, stale_before: datetime) -> dict[str, Any]:
    open_still = session.session_status is not Status.COMPLETED
    return {
        "session_id": session.session_id,
        "workflow_type": session.workflow_type,
        "target_file": session.target_file,
        "current_phase": session.current_phase,
        "total_phases": len(session.phases),
        "status": session.session_status,
        "created_at": session.created_at,
        "last_updated": session.last_updated,
        "completed_at": session.completed_at,
        "stale": True if open_still and session.last_updated < stale_before else None,
    }


ACTION = Action("list_sessions", ListSessions, SessionList, run)
