"""``get_errors``: every attempt that did not pass."""

from __future__ import annotations

from datetime import datetime

from mcp_server.actions.action import Action, Answer, Params, Reply
from mcp_server.actions.attempts import AttemptError, told
from mcp_server.actions.fields import Cursor, SessionId
from mcp_server.actions.paging import Pager
from mcp_server.engine import Engine


class GetErrors(Params):
    """List the attempts that were refused, failed or blocked, oldest first."""

    session_id: SessionId
    cursor: Cursor | None = None


class ErrorList(Reply):
    """``error_count`` is the number of all of them, ``last_error`` the time of the last."""

    errors: list[AttemptError]
    error_count: int
    last_error: datetime | None = None


def run(engine: Engine, params: GetErrors) -> Answer:
    """List them, a page at a time."""
    session = engine.view(params.session_id).session
    refusals = engine.refusals(params.session_id)
    pager = Pager(f"errors {params.session_id}", params.cursor)
    page = pager.items(told(one).model_dump(mode="json") for one in refusals)
    reply = ErrorList(
        errors=[AttemptError.model_validate(one) for one in page],
        error_count=len(refusals),
        last_error=refusals[-1].at if refusals else None,
        next_cursor=pager.next_cursor,
    )
    return Answer(reply, session)


ACTION = Action("get_errors", GetErrors, ErrorList, run)
