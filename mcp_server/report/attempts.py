"""A session's log read as attempts: which events are one attempt's, and what each came to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

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
    PhaseCompleted,
    PhaseOverridden,
    SealAccepted,
    SessionMigrated,
    SessionRestored,
    SessionUndeleted,
    WorkflowCompleted,
    WorkflowOverridden,
)
from mcp_server.domain.session import GateState
from mcp_server.report.model import Outcome
from mcp_server.storage.log import Record

Pass = PhaseCompleted | WorkflowCompleted | PhaseOverridden | WorkflowOverridden
Refusal = GateRefused | AttemptsExhausted | GateSentBack
Ending = Pass | Refusal | GateBlocked | AttemptInterrupted | AttemptExpired
OfAttempt = AttemptBegun | ApprovalRequested | Ending

_OUTCOMES: Final[dict[type, Outcome]] = {
    PhaseCompleted: "passed",
    WorkflowCompleted: "passed",
    PhaseOverridden: "overridden",
    WorkflowOverridden: "overridden",
    GateRefused: "refused",
    AttemptsExhausted: "exhausted",
    GateSentBack: "sent_back",
    GateBlocked: "blocked",
    AttemptInterrupted: "interrupted",
    AttemptExpired: "expired",
}
_STANDING: Final[dict[GateState | None, Outcome]] = {
    GateState.CHECKING: "checking",
    GateState.AWAITING_APPROVAL: "awaiting_approval",
    GateState.INTERRUPTED: "interrupted",
    GateState.EXPIRED: "expired",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event of an attempt in its place."""

    seq: int
    event: OfAttempt


@dataclass(slots=True)
class Tried:
    """One attempt as the log has it. ``given_up_by`` is the event that ended it without a verdict."""

    told: list[Told]
    given_up_by: Record | None = None

    @property
    def phase(self) -> int:
        """The phase whose gate it was at."""
        return self.told[0].event.phase

    @property
    def number(self) -> int:
        """The number of the attempt; of an override the number of the last attempt before it."""
        return self.told[0].event.attempt

    @property
    def last(self) -> OfAttempt:
        """The event that it has come to."""
        return self.told[-1].event

    def latest(self, name: str) -> Any:
        """What the last event said of ``name`` that speaks of it; None when none does."""
        return next((getattr(one.event, name) for one in reversed(self.told) if hasattr(one.event, name)), None)

    @property
    def is_open(self) -> bool:
        """Whether it has come to nothing yet."""
        return isinstance(self.last, AttemptBegun | ApprovalRequested) and self.given_up_by is None

    def outcome(self, gate: GateState | None) -> Outcome:
        """What it came to; of one that is still open what the session's gate says."""
        if self.is_open:
            return _STANDING.get(gate, "superseded")
        return _OUTCOMES.get(type(self.last), "superseded")


def attempts_of(records: Iterable[Record]) -> list[Tried]:
    """Every attempt of a session, in the order in which they began."""
    found: list[Tried] = []
    under_way: Tried | None = None
    for record in records:
        event = record.event
        if isinstance(event, OfAttempt):
            goes_on = under_way is not None and _is_same(under_way, event)
            if under_way is not None and not goes_on:
                under_way.given_up_by = record
            if under_way is None or not goes_on:
                under_way = Tried([])
                found.append(under_way)
            under_way.told.append(Told(record.seq, event))
            if not under_way.is_open:
                under_way = None
        elif under_way is not None and not _leaves_it(event, under_way):
            under_way.given_up_by = record
            under_way = None
    return found


def _is_same(tried: Tried, event: OfAttempt) -> bool:
    anew = isinstance(event, AttemptBegun) and not event.again
    return not anew and (tried.phase, tried.number) == (event.phase, event.attempt)


def _leaves_it(event: Event, tried: Tried) -> bool:
    """Whether an attempt that is under way stays so after an event that is none of its own."""
    if isinstance(event, SealAccepted | SessionRestored):
        under_way = event.session.under_way
        return under_way is not None and under_way.attempt == tried.number
    return isinstance(event, BudgetRaised | SessionMigrated | SessionUndeleted)
