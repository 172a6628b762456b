"""What an attempt comes to: a verdict becomes the one event that says what happens to the session."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mcp_server.domain.definition import Phase
from mcp_server.domain.events import (
    AttemptsExhausted,
    Finding,
    GateBlocked,
    GateRefused,
    GateSentBack,
    PhaseCompleted,
    PhaseOverridden,
    WorkflowCompleted,
    WorkflowOverridden,
)
from mcp_server.domain.frozen import Stored
from mcp_server.domain.gates import Finding as Said
from mcp_server.domain.gates import Verdict
from mcp_server.domain.results import Checked, Decision
from mcp_server.domain.session import Basis, Evidence, Session, Usage
from mcp_server.domain.skipping import Entry

Attempt = GateRefused | AttemptsExhausted | GateSentBack | GateBlocked | PhaseCompleted | WorkflowCompleted

NO_USAGE: Final = Usage()
WEAKEST_FIRST: Final[tuple[Basis, ...]] = ("overridden", "attested", "human", "verified")


@dataclass(frozen=True, slots=True)
class Submission:
    """What was handed in, and what the server saw for itself. ``attempt`` counts from 1 in each phase."""

    attempt: int
    evidence: Evidence
    at: datetime
    usage: Usage = NO_USAGE
    checked: Checked | None = None
    decision: Decision | None = None

    def facts(self, phase: Phase, warnings: tuple[str, ...]) -> dict[str, Any]:
        """The parts that every event of an attempt has."""
        return {
            "at": self.at,
            "phase": phase.number,
            "attempt": self.attempt,
            "evidence": self.evidence,
            "usage": self.usage,
            "checked": self.checked,
            "warnings": warnings,
        }


def turned_down(session: Session, phase: Phase, verdict: Verdict, submission: Submission) -> Attempt:
    """The event of an attempt that did not pass: blocked, refused, or refused for the last time."""
    facts = submission.facts(phase, verdict.warnings)
    if verdict.outcome == "blocked":
        return GateBlocked(**facts, **_wrong(verdict), blocked_by=verdict.blocked_by)
    limit = phase.gate.max_attempts
    left = max(limit - session.record.refused - 1, 0) if limit else None
    fingerprint = _fingerprint(verdict)
    facts |= _wrong(verdict) | {
        "fingerprint": fingerprint,
        "escalate": fingerprint == session.last_refusal,
        "attempts_left": left,
        "advice": phase.gate.advice,
        "decision": submission.decision,
    }
    if submission.decision is not None:
        # A person's no leaves no name open: what was submitted had the right form.
        facts["outstanding"] = ()
    if left == 0:
        return AttemptsExhausted(**facts, reopen=phase.gate.reopen)
    target = phase.gate.rollback_to
    if verdict.no_go and target is not None and target in session.phases:
        cleared = tuple(sorted(number for number in session.artifacts if number > target))
        return GateSentBack(**facts, to_phase=target, cleared=cleared)
    return GateRefused(**facts)


def passed(
    phase: Phase,
    entry: Entry,
    submission: Submission,
    basis: Basis,
    *,
    baseline: Stored | None = None,
    warnings: tuple[str, ...] = (),
) -> PhaseCompleted | WorkflowCompleted:
    """The event of an attempt that passed; ``entry`` is what follows, ``baseline`` what it must leave alone."""
    facts = _passing(phase, entry, submission, basis, baseline, warnings)
    return WorkflowCompleted(**facts) if entry.phase is None else PhaseCompleted(**facts, next_phase=entry.phase)


def overridden(
    phase: Phase, entry: Entry, submission: Submission, *, baseline: Stored | None = None
) -> PhaseOverridden | WorkflowOverridden:
    """The event of a phase that a person lets go although its gate did not."""
    facts = _passing(phase, entry, submission, "overridden", baseline, ())
    return WorkflowOverridden(**facts) if entry.phase is None else PhaseOverridden(**facts, next_phase=entry.phase)


def _passing(
    phase: Phase,
    entry: Entry,
    submission: Submission,
    basis: Basis,
    baseline: Stored | None,
    warnings: tuple[str, ...],
) -> dict[str, Any]:
    return submission.facts(phase, (*warnings, *entry.warnings)) | {
        "basis": basis,
        "skipped": entry.skipped,
        "baseline": baseline,
        "decision": submission.decision,
    }


def bases_of(verdict: Verdict, decision: Decision | None) -> dict[str, Basis]:
    """Why each piece of evidence that passed is believed. What was only said, a person's approval covers."""
    said: Basis = "human" if decision is not None else "attested"
    return {one.name: "verified" if one.basis == "verified" else said for one in verdict.accepted}


def basis_of(phase: Phase, bases: Mapping[str, Basis], decision: Decision | None) -> Basis:
    """A phase is believed no more than the weakest of what it requires: evidence, checks, a person's word."""
    required: set[Basis] = {bases[field.name] for field in phase.gate.fields if field.required and field.name in bases}
    if phase.gate.checks or phase.gate.protected_paths:
        required.add("verified")
    if decision is not None:
        required.add("human")
    for basis in WEAKEST_FIRST:
        if basis in required:
            return basis
    return "attested"


def rejection(note: str | None) -> Verdict:
    """The verdict of a person who said no."""
    said = f"a person rejected it: {note}" if note else "a person rejected it, without a note"
    return Verdict("refused", findings=(Said("approval", said),))


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
    findings = [(finding.field, finding.problem) for finding in (*verdict.findings, *verdict.no_go)]
    return hashlib.sha256(repr((verdict.missing, findings)).encode("utf-8", "surrogatepass")).hexdigest()
