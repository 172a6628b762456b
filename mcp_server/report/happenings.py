"""What happened to a session beside the attempts at its gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mcp_server.domain.authority import Authority
from mcp_server.domain.events import (
    BudgetRaised,
    Event,
    Paused,
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
)
from mcp_server.report.attempts import OfAttempt
from mcp_server.report.clipping import Clipper
from mcp_server.report.model import Happening
from mcp_server.report.wording import budgeted, duration, listed, moment
from mcp_server.storage.log import Record

Other = (
    SessionStarted | SessionImported | Repinned | BudgetRaised | Paused | Resumed | PhaseRetried | PhaseReopened
    | RolledBack | SessionDeleted | SessionUndeleted | SessionMigrated | SessionRestored | SealAccepted
)  # fmt: skip
"""The events that are no attempt's."""


def happenings(records: Iterable[Record], clipper: Clipper) -> Iterator[Happening]:
    """Every event that is no attempt's, in order."""
    for record in records:
        event = record.event
        if not isinstance(event, OfAttempt):
            yield Happening(
                event=record.seq,
                at=event.at,
                type=event.type,
                text=_text(event),
                quote=clipper.said(_quote(event)),
                by=authority_of(event),
            )


def authority_of(event: Event) -> Authority | None:
    """In whose name an event came about that only a person may cause; None for any other."""
    decision = getattr(event, "decision", None)
    return decision.authority if decision is not None else getattr(event, "authority", None)


_PLAIN: Final[Mapping[type, str]] = {
    Paused: "Paused.",
    SessionDeleted: "Moved to the trash.",
    SessionUndeleted: "Taken out of the trash.",
    SealAccepted: "A person accepted files that other hands had changed.",
}


def _text(event: Other) -> str:
    match event:
        case SessionStarted():
            skipped = [one.phase for one in event.skipped]
            past = f"; skipped: {listed(skipped)}" if skipped else ""
            return f"The session was started in phase {event.first_phase}{past}."
        case Resumed():
            return f"Resumed after {duration(event.paused_seconds)}."
        case PhaseRetried():
            cleared = ", the last submission put aside" if event.reset_evidence else ""
            return f"Phase {event.phase} was begun again{cleared}."
        case RolledBack():
            return f"Rolled back from phase {event.from_phase} to phase {event.to_phase}."
        case SessionMigrated():
            return f"Written in the present format; it was of version {event.from_schema}."
        case SessionImported() | Repinned() | BudgetRaised() | PhaseReopened() | SessionRestored():
            return _by_person(event)
        case _:
            return _PLAIN[type(event)]


def _by_person(event: SessionImported | Repinned | BudgetRaised | PhaseReopened | SessionRestored) -> str:
    match event:
        case SessionImported():
            return f"A person imported it from another program; its file there had the SHA-256 {event.source}."
        case Repinned():
            return f"A person had the session go on with another definition, {event.definition.digest}."
        case BudgetRaised():
            return f"A person gave the session another budget: {budgeted(event.budget)}."
        case PhaseReopened():
            return f"A person opened phase {event.phase} again, its attempts counted anew."
        case SessionRestored():
            return f"A person brought it back from a backup, as it was on {moment(event.backed_up_at)}."


def _quote(event: Other) -> str | None:
    match event:
        case Repinned() | BudgetRaised():
            return event.decision.note
        case Paused():
            return event.note
        case PhaseReopened() | SessionDeleted():
            return event.reason
        case SealAccepted():
            return event.finding
        case SessionImported():
            return "; ".join(event.lost) or None
        case _:
            return None
