"""What an attempt comes to: a verdict becomes the one event that says what happens to the session."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

from mcp_server.domain.definition import Phase
from mcp_server.domain.events import (
    AttemptsExhausted,
    Finding,
    GateBlocked,
    GateRefused,
    PhaseCompleted,
    WorkflowCompleted,
)
from mcp_server.domain.gates import Verdict, required_names
from mcp_server.domain.session import Basis, Evidence, Session, Usage
from mcp_server.domain.skipping import Entry

Attempt = GateRefused | AttemptsExhausted | GateBlocked | PhaseCompleted | WorkflowCompleted

_WEAKEST_FIRST: Final[tuple[Basis, ...]] = ("attested", "overridden", "human", "verified")


def resolve(
    session: Session,
    phase: Phase,
    entry: Entry,
    verdict: Verdict,
    *,
    evidence: Evidence,
    usage: Usage,
    at: datetime,
) -> Attempt:
    """The event of one judged attempt; ``entry`` is what follows when it passes."""
    facts: dict[str, Any] = {
        "at": at,
        "phase": phase.number,
        "attempt": session.record.attempt + 1,
        "evidence": evidence,
        "usage": usage,
        "warnings": verdict.warnings,
    }
    match verdict.outcome:
        case "blocked":
            return GateBlocked(**facts, **_wrong(verdict), blocked_by=verdict.blocked_by)
        case "refused":
            return _refusal(session, phase, verdict, facts)
        case "passed":
            facts |= {
                "basis": _weakest(phase, verdict),
                "skipped": entry.skipped,
                "warnings": (*verdict.warnings, *entry.warnings),
            }
            following = entry.phase
            return WorkflowCompleted(**facts) if following is None else PhaseCompleted(**facts, next_phase=following)


def _refusal(
    session: Session, phase: Phase, verdict: Verdict, facts: dict[str, Any]
) -> GateRefused | AttemptsExhausted:
    limit = phase.gate.max_attempts
    left = max(limit - session.record.refused - 1, 0) if limit else None
    fingerprint = _fingerprint(verdict)
    facts |= _wrong(verdict) | {
        "fingerprint": fingerprint,
        "escalate": fingerprint == session.last_refusal,
        "attempts_left": left,
        "advice": phase.gate.advice,
    }
    return AttemptsExhausted(**facts, reopen=phase.gate.reopen) if left == 0 else GateRefused(**facts)


def _wrong(verdict: Verdict) -> dict[str, Any]:
    """What is missing, what is wrong, and the names that are open because of it."""
    return {
        "missing": verdict.missing,
        "findings": tuple(Finding(field=one.field, problem=one.problem) for one in verdict.findings),
        "outstanding": _outstanding(verdict),
    }


def _outstanding(verdict: Verdict) -> tuple[str, ...]:
    """The names still open, each once: what is missing, then what is wrong."""
    wrong = (name for finding in verdict.findings for name in finding.fields or (finding.field,))
    return tuple(dict.fromkeys([*verdict.missing, *wrong]))


def _fingerprint(verdict: Verdict) -> str:
    """Equal for two refusals that say the same."""
    said = repr((verdict.missing, [(finding.field, finding.problem) for finding in verdict.findings]))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _weakest(phase: Phase, verdict: Verdict) -> Basis:
    """A phase is believed no more than the weakest of its required evidence."""
    required = set(required_names(phase.gate))
    bases = {accepted.basis for accepted in verdict.accepted if accepted.name in required}
    for basis in _WEAKEST_FIRST:
        if basis in bases:
            return basis
    return "attested"
