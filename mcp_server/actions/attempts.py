"""How an attempt that did not pass is told: in the reply of ``complete_phase``, and again by those that look back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from mcp_server.actions.action import Part
from mcp_server.actions.paging import clipped, first, size
from mcp_server.domain.events import AttemptsExhausted, Finding, GateBlocked, GateSentBack
from mcp_server.domain.results import CheckStatus, CheckSummary
from mcp_server.engine import Refusal

FINDINGS_BYTES = 12_000
"""What each list of findings of one attempt may take of a reply; beyond it their number is told."""
FINDING_BYTES = 1_000
"""What one finding may take."""


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
        details={name: value for name, value in details(event, limit).items() if value},
        remediation=correction(event),
    )


def message(event: Refusal, limit: int = FINDINGS_BYTES) -> str:
    """What the gate said, in words that name every finding."""
    if isinstance(event, GateBlocked):
        return clipped(f"The gate of phase {event.phase} is blocked: {'; '.join(event.blocked_by)}.", limit)
    if event.decision is not None:
        said = f": {event.decision.note.removesuffix('.')}." if event.decision.note else ", without a note."
        return clipped(f"A person rejected attempt {event.attempt} of phase {event.phase}{said}", limit)
    said = [f"missing {', '.join(event.missing)}"] if event.missing else []
    said += [f"{finding.field}: {finding.problem.removesuffix('.')}" for finding in event.findings]
    said += [
        f"check {one.id}: {(one.problem or 'did not pass').removesuffix('.')}" for one in _of_status(event, "failed")
    ]
    blocked = _of_status(event, "blocked")
    said += [f"check {one.id} is blocked: {(one.problem or 'cannot be run').removesuffix('.')}" for one in blocked]
    return clipped(f"The gate of phase {event.phase} refused attempt {event.attempt}: {'; '.join(said)}.", limit)


def details(event: Refusal, limit: int = FINDINGS_BYTES) -> dict[str, Any]:
    """The same as facts: what is missing and what is wrong, by name."""
    blocked = isinstance(event, GateBlocked)
    details = {
        "gate": "blocked" if blocked else "refused",
        "missing_evidence": first(list(event.missing), limit),
        "validation_errors": _errors(event.findings, limit),
    }
    if blocked and event.checked is None:
        # Where checks were carried out, theirs is the word on what could not be.
        details["blocked_by"] = first([clipped(one, FINDING_BYTES) for one in event.blocked_by], limit)
    failed = [check.id for check in _of_status(event, "failed")]
    return details | ({"failed_checks": first(failed, limit)} if failed else {})


def remediation(event: Refusal) -> str:
    """What to do about an attempt that has just been judged."""
    if isinstance(event, GateSentBack):
        return f"The session is back in phase {event.to_phase}: do it again from there, and fix what the checks found."
    if isinstance(event, AttemptsExhausted) and event.reopen == "person":
        return (
            "The attempts are used up, and only a person can open this phase again: tell them what was refused, and "
            "ask them to run `pos-workflow reopen`."
        )
    if isinstance(event, AttemptsExhausted):
        asked = "ask the person how to go on" if event.escalate else "find out why (get_errors)"
        return f"The attempts are used up and the session has failed: {asked}, then retry_phase or rollback."
    if not isinstance(event, GateBlocked) and event.escalate:
        return "This is the same refusal as before. Do not submit again as it is: ask the person how to go on."
    return correction(event)


def correction(event: Refusal) -> str:
    """What was to be done about an attempt, whatever has become of the session since."""
    if isinstance(event, GateBlocked):
        return "No evidence opens this gate as it is. Tell the person what blocks it, and pause until that is resolved."
    if event.decision is not None:
        return "Do what the person asks for, and ask them where that is not clear; then submit all the evidence again."
    ask = " Ask the person about the blocked checks." if any(_of_status(event, "blocked")) else ""
    return f"Put right what was refused, by work and not by words; then submit all the evidence again.{ask}"


def _of_status(event: Refusal, status: CheckStatus) -> Iterator[CheckSummary]:
    checks = event.checked.checks if event.checked else ()
    return (check for check in checks if check.status == status)


def _errors(findings: Sequence[Finding], limit: int) -> list[dict[str, str]]:
    """As many as fit; a last entry tells how many are left out."""
    left, shown = limit, list[dict[str, str]]()
    for finding in findings:
        entry = {
            "field": clipped(finding.field, FINDING_BYTES // 2),
            "problem": clipped(finding.problem, FINDING_BYTES),
        }
        left -= size(entry) + 1
        if left < 0:
            return [*shown, {"field": "evidence", "problem": f"and {len(findings) - len(shown)} more"}]
        shown.append(entry)
    return shown
