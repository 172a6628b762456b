"""How an attempt that did not pass is told: in the reply of ``complete_phase``, and again by those that look back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mcp_server.actions.action import Part
from mcp_server.actions.paging import size
from mcp_server.domain.events import AttemptsExhausted, GateBlocked
from mcp_server.engine import Refusal

FINDINGS_BYTES = 12_000
"""What each list of findings of one attempt may take of a reply; beyond it their number is told."""


class AttemptError(Part):
    """An attempt that was refused, failed or blocked."""

    phase: int
    attempt: int
    timestamp: datetime
    error_type: str
    message: str
    details: dict[str, Any]
    remediation: str


def told(event: Refusal, limit: int = FINDINGS_BYTES) -> AttemptError:
    """An attempt as ``get_errors`` and ``retry_phase`` show it; ``limit`` bounds each list, in bytes."""
    return AttemptError(
        phase=event.phase,
        attempt=event.attempt,
        timestamp=event.at,
        error_type="ValidationError",
        message=message(event, limit),
        details=details(event, limit),
        remediation=remediation(event),
    )


def message(event: Refusal, limit: int = FINDINGS_BYTES) -> str:
    """What the gate said, in words that name every finding."""
    if isinstance(event, GateBlocked):
        return f"The gate of phase {event.phase} is blocked: {'; '.join(event.blocked_by)}."
    said = [f"missing {', '.join(event.missing)}"] if event.missing else []
    said += [f"{finding.field}: {finding.problem}" for finding in event.findings]
    text = f"The gate of phase {event.phase} refused attempt {event.attempt}: {'; '.join(said)}."
    return text if len(text) <= limit else text[:limit] + " …"


def details(event: Refusal, limit: int = FINDINGS_BYTES) -> dict[str, Any]:
    """The same as facts: what is missing and what is wrong, by name."""
    if isinstance(event, GateBlocked):
        return {
            "gate": "blocked",
            "missing_evidence": [],
            "validation_errors": [],
            "blocked_by": list(event.blocked_by),
        }
    errors = [{"field": finding.field, "problem": finding.problem} for finding in event.findings]
    return {
        "gate": "refused",
        "missing_evidence": _first(list(event.missing), limit),
        "validation_errors": _first(errors, limit),
    }


def remediation(event: Refusal) -> str:
    """What to do about it."""
    if isinstance(event, GateBlocked):
        return "No evidence opens this gate as it is. Tell the person what blocks it; pause until it is mended."
    if isinstance(event, AttemptsExhausted):
        return "The attempts are used up and the session has failed. Read get_errors, then retry_phase or rollback."
    if event.escalate:
        return "This is the same refusal as before. Do not submit again as it is: ask the person how to go on."
    return "Do what is missing for real, then submit all the evidence again, not only what was missing."


def _first(entries: list[Any], limit: int) -> list[Any]:
    """As many as fit; a last entry tells how many are left out."""
    left, shown = limit, list[Any]()
    for entry in entries:
        left -= size(entry) + 1
        if left < 0:
            note = f"and {len(entries) - len(shown)} more"
            return [*shown, note if isinstance(entry, str) else {"field": "evidence", "problem": note}]
        shown.append(entry)
    return shown
