"""``events`` and ``errors``: what happened to a session, and what it got wrong."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated, Any, Final

from cyclopts import Parameter

from mcp_server.actions.attempts import message
from mcp_server.cli.asking import pages
from mcp_server.cli.output import console, moment, print_json, say, table, text
from mcp_server.cli.parameters import AsJson, Ctx, SessionId
from mcp_server.domain.events import (
    ApprovalRequested,
    AttemptBegun,
    AttemptExpired,
    AttemptInterrupted,
    AttemptsExhausted,
    BudgetRaised,
    Event,
    GateBlocked,
    GateRefused,
    GateSentBack,
    Paused,
    PhaseCompleted,
    PhaseOverridden,
    PhaseReopened,
    PhaseRetried,
    Repinned,
    Resumed,
    RolledBack,
    SealAccepted,
    SessionDeleted,
    SessionImported,
    SessionMigrated,
    SessionRestored,
    SessionStarted,
    SessionUndeleted,
    WorkflowCompleted,
    WorkflowOverridden,
)
from mcp_server.storage.log import Record

_POLL_SECONDS: Final = 0.25


def events(
    session_id: SessionId,
    /,
    *,
    follow: Annotated[bool, Parameter(help="Go on and print each event as it comes, until Ctrl-C.")] = False,
    json: AsJson = False,
    ctx: Ctx,
) -> int:
    """Print what happened to a session, one line for each event, oldest first."""
    engine = ctx.engine
    seen = _print(engine.events(session_id), 0, as_json=json)
    try:
        while follow:
            time.sleep(_POLL_SECONDS)
            if engine.view(session_id).session.version != seen:
                seen = _print(engine.events(session_id, after=seen), seen, as_json=json)
    except KeyboardInterrupt:
        pass
    return 0


def errors(session_id: SessionId, /, *, json: AsJson = False, ctx: Ctx) -> int:
    """List the attempts of a session that did not pass, oldest first."""
    found: list[dict[str, Any]] = []
    for page in pages(ctx.engine, "get_errors", session_id=session_id):
        found += page["errors"]
    if json:
        print_json({"errors": found})
    elif found:
        rows = [(moment(one["timestamp"]), one["phase"], one["attempt"], one["message"]) for one in found]
        table(("WHEN", "PHASE", "ATTEMPT", "WHAT THE GATE SAID"), rows)
    else:
        say("No attempt was refused.")
    return 0


def _print(records: Iterable[Record], seen: int, *, as_json: bool) -> int:
    """Print events; the number of the last one that was ever printed."""
    out = console()
    for record in records:
        if as_json:
            print_json(record.model_dump(mode="json", exclude={"prev"}, exclude_none=True))
        else:
            event = record.event
            line = f"{record.seq:>4}  {moment(event.at)}  {event.type:<18}  {_told(event)}"
            out.print(text(line.rstrip()), soft_wrap=True)
        seen = record.seq
    out.file.flush()
    return seen


def _told(event: Event) -> str:
    match event:
        case GateRefused() | AttemptsExhausted() | GateSentBack() | GateBlocked():
            said = message(event)
        case PhaseCompleted() | WorkflowCompleted() | PhaseOverridden() | WorkflowOverridden():
            said = _passed(event)
        case RolledBack():
            said = f"from phase {event.from_phase} to phase {event.to_phase}"
        case PhaseRetried():
            said = f"phase {event.phase}" + (", draft evidence cleared" if event.reset_evidence else "")
        case SessionStarted():
            said = f"{event.workflow_type} on {event.target_file}{_skipped(event)}"
        case AttemptBegun():
            said = f"phase {event.phase}, attempt {event.attempt}" + (", once more" if event.again else "")
        case ApprovalRequested():
            said = f"phase {event.phase}, attempt {event.attempt}, until {moment(event.expires_at)}"
        case AttemptInterrupted() | AttemptExpired():
            said = f"phase {event.phase}, attempt {event.attempt}: {event.reason}"
        case _:
            said = _reason(event)
    return " ".join(said.split())


def _passed(event: PhaseCompleted | WorkflowCompleted | PhaseOverridden | WorkflowOverridden) -> str:
    last = isinstance(event, WorkflowCompleted | WorkflowOverridden)
    following = "that was the last" if last else f"phase {event.next_phase} is next"
    why = f", by a person: {event.decision.note or 'without a note'}" if event.decision else ""
    return f"phase {event.phase} at attempt {event.attempt} ({event.basis}{why}), {following}{_skipped(event)}"


def _skipped(
    event: SessionStarted | PhaseCompleted | WorkflowCompleted | PhaseOverridden | WorkflowOverridden,
) -> str:
    return "".join(f", phase {one.phase} skipped ({one.condition})" for one in event.skipped)


def _reason(
    event: SessionImported
    | SessionMigrated
    | SessionRestored
    | PhaseReopened
    | SealAccepted
    | Repinned
    | BudgetRaised
    | SessionDeleted
    | Paused
    | Resumed
    | SessionUndeleted,
) -> str:
    match event:
        case Repinned():
            definition = f"version {event.definition.version} ({event.definition.digest[:12]})"
            return f"to {definition}, by a person: {event.decision.note}"
        case BudgetRaised():
            return f"by a person: {event.decision.note or 'without a reason'}"
        case SessionImported():
            return f"{event.session.workflow_type} on {event.session.target_file}, from {event.session.imported_from}"
        case SessionMigrated():
            return f"from version {event.from_schema} of the format"
        case SessionRestored():
            return f"by a person, as it was on {moment(event.backed_up_at)}"
        case PhaseReopened():
            return f"phase {event.phase}, by a person: {event.reason}"
        case SealAccepted():
            return f"by a person, who was told: {event.finding}"
        case SessionDeleted() | Paused():
            return (event.reason if isinstance(event, SessionDeleted) else event.note) or ""
        case Resumed() | SessionUndeleted():
            return ""
