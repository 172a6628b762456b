"""``reopen`` and ``undelete``: letting a session go on that could not."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from mcp_server.actions.attempts import message
from mcp_server.cli.failures import CommandError, UsageError
from mcp_server.cli.output import facts, say
from mcp_server.cli.parameters import Ctx, OperatorFile, SessionId
from mcp_server.cli.person import confirm, require_person
from mcp_server.domain.session import Status
from mcp_server.errors import NotFoundError

MAX_REASON = 2000


def reopen(
    session_id: SessionId,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why, for the session's record.")],
    operator_file: OperatorFile = None,
    ctx: Ctx,
) -> int:
    """Open the failed phase of a session again, with its attempts counted anew. Only a person can: it asks.

    It is recorded with the reason and who opened it.
    """
    authority = require_person(ctx, operator_file)
    if not reason.strip() or len(reason) > MAX_REASON:
        raise UsageError(f"The reason has {len(reason)} characters.", f"Give between 1 and {MAX_REASON}.")
    view = ctx.engine.view(session_id)
    session = view.session
    if session.session_status is not Status.FAILED:
        raise CommandError(
            f"The session is {session.session_status}; only a failed one can be opened again.", "Nothing was changed."
        )
    refusals = ctx.engine.refusals(session_id)
    facts(
        [
            ("session", f"{session_id}, on {session.target_file}"),
            ("failed in", f"phase {session.current_phase}, after {session.record.attempt} attempts"),
            ("last refusal", message(refusals[-1], 1000) if refusals else None),
            ("will happen", f"phase {session.current_phase} is open again, its attempts are counted anew"),
        ]
    )
    confirm("Open it again?", "y", authority)
    ctx.engine.persons.reopen(session_id, authority, reason.strip())
    say(f"Phase {session.current_phase} of {session_id} is open again.")
    return 0


def undelete(session_id: SessionId, /, *, ctx: Ctx) -> int:
    """Take a deleted session out of the trash, as it was."""
    try:
        ctx.engine.view(session_id)
    except NotFoundError:
        session = ctx.engine.undelete(session_id)
        say(f"{session_id} is back: {session.session_status}, phase {session.current_phase}.")
    else:
        say(f"{session_id} was not deleted; nothing was changed.")
    return 0
