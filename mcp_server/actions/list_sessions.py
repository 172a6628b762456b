"""``list_sessions``: which sessions there are."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from typing import Any

from mcp_server.actions.action import Action, Answer, Params, Part, Reply
from mcp_server.actions.fields import DEFAULT_LIMIT, Cursor, Limit, StatusFilter
from mcp_server.actions.paging import Pager, decode_cursor, encode_cursor, foreign_cursor
from mcp_server.engine import Engine
from mcp_server.storage.summary import Summary, order_of

CORRUPT_SHOWN = 50


class ListSessions(Params):
    """List sessions, newest first.

    Pages stay in order while others write: a cursor names the last session that was shown.
    """

    status: StatusFilter | None = None
    limit: Limit | None = None
    cursor: Cursor | None = None


class SessionSummary(Part):
    """One session; ``stale`` when nothing has changed for long, ``overridden_phases`` when a person let some go."""

    session_id: str
    workflow_type: str
    target_file: str
    current_phase: int
    total_phases: int
    status: str
    created_at: datetime
    last_updated: datetime
    completed_at: datetime | None = None
    overridden_phases: list[int] | None = None
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
    # Oldest first, so that a page is what comes before a place, from its end.
    wanted = listing.sessions
    if params.status is not None:
        wanted = [one for one in wanted if one.session_status == params.status]
    end = len(wanted) if params.cursor is None else bisect_left(wanted, _place(params.cursor), key=order_of)
    pager = Pager("list_sessions")
    limit = params.limit or DEFAULT_LIMIT
    stale_before = engine.now() - timedelta(days=engine.stale_after_days)
    start = max(0, end - limit)
    page = pager.items(_shown(one, stale_before) for one in reversed(wanted[start:end]))
    last = wanted[end - len(page)] if page and len(page) < end else None
    hidden = len(listing.corrupt) - CORRUPT_SHOWN
    reply = SessionList(
        sessions=[SessionSummary.model_validate(one) for one in page],
        count=len(page),
        total=len(wanted),
        corrupt=[
            CorruptSession(session_id=one.session_id, finding=one.finding) for one in listing.corrupt[:CORRUPT_SHOWN]
        ],
        warnings=[f"{hidden} more sessions cannot be trusted; pos-workflow doctor lists them."] if hidden > 0 else None,
        next_cursor=encode_cursor(last.created_at.isoformat(), last.session_id) if last else None,
    )
    return Answer(reply)


def _place(cursor: str) -> tuple[datetime, str]:
    created_at, session_id = decode_cursor(cursor, str, str)
    try:
        moment = datetime.fromisoformat(created_at)
    except ValueError:
        raise foreign_cursor() from None
    if moment.tzinfo is None:
        raise foreign_cursor()
    return moment, session_id


def _shown(session: Summary, stale_before: datetime) -> dict[str, Any]:
    return {
        "session_id": session.session_id,
        "workflow_type": session.workflow_type,
        "target_file": session.target_file,
        "current_phase": session.current_phase,
        "total_phases": session.total_phases,
        "status": session.session_status,
        "created_at": session.created_at,
        "last_updated": session.last_updated,
        "completed_at": session.completed_at,
        "overridden_phases": list(session.overridden_phases) or None,
        "stale": True if session.is_stale(stale_before) else None,
    }


ACTION = Action("list_sessions", ListSessions, SessionList, run)
