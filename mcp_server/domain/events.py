"""What can happen to a session. Events carry resolved facts, so that applying one needs neither clock nor definition.

An event is what the log keeps for ever: folding a session's events from the first gives the session, byte for byte.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from mcp_server.domain.authority import Authority
from mcp_server.domain.checks import Budget
from mcp_server.domain.frozen import Frozen, Stored
from mcp_server.domain.results import Checked, Decision
from mcp_server.domain.session import Basis, DefinitionRef, Evidence, Reopen, Session, Usage


class Finding(Frozen):
    """One thing that an attempt got wrong: the evidence's name (or ``evidence`` for several) and the problem."""

    field: str
    problem: str


class Skipped(Frozen):
    """A phase that was not entered, and the condition that held."""

    phase: int
    condition: str


class _Event(Frozen):
    at: datetime


class SessionStarted(_Event):
    """The first event: everything that is known at the start. ``skipped`` are the phases before the first.

    ``baseline`` names the digests of the files that the first phase must leave alone.
    """

    type: Literal["session_started"] = "session_started"
    session_id: str
    workflow_type: str
    target_file: str
    definition: DefinitionRef
    phases: tuple[int, ...]
    first_phase: int
    options: Evidence
    baseline: Stored | None = None
    skipped: tuple[Skipped, ...] = ()
    open_sessions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class SessionImported(_Event):
    """The first event of a session that came from another program: ``session`` is what its file there says.

    ``source`` is the SHA-256 of that file, ``lost`` what of it a session has no place for.
    """

    type: Literal["session_imported"] = "session_imported"
    session: Session
    source: str
    lost: tuple[str, ...] = ()
    authority: Authority = Authority()


class _Attempt(_Event):
    phase: int
    attempt: int
    evidence: Evidence
    usage: Usage = Usage()
    checked: Checked | None = None
    warnings: tuple[str, ...] = ()


class AttemptBegun(_Attempt):
    """The form of the evidence is right, and the gate's checks are run; ``again`` when it is for one that had lapsed.

    ``run`` is the id of this one running of them, ``fingerprint`` is equal for equal evidence.
    """

    type: Literal["attempt_begun"] = "attempt_begun"
    run: str
    fingerprint: str
    again: bool = False


class ApprovalRequested(_Attempt):
    """All that can be judged is right; a person is asked, until ``expires_at``."""

    type: Literal["approval_requested"] = "approval_requested"
    run: str
    expires_at: datetime


class AttemptInterrupted(_Event):
    """The server that ran the attempt's checks is gone or was stopped: they came to nothing."""

    type: Literal["attempt_interrupted"] = "attempt_interrupted"
    phase: int
    attempt: int
    reason: str


class AttemptExpired(_Event):
    """What the attempt was judged by is no longer so, or nobody answered in time."""

    type: Literal["attempt_expired"] = "attempt_expired"
    phase: int
    attempt: int
    reason: str


class _Refusal(_Attempt):
    missing: tuple[str, ...]
    findings: tuple[Finding, ...]
    outstanding: tuple[str, ...]
    fingerprint: str
    escalate: bool = False
    attempts_left: int | None = None
    advice: str | None = None
    decision: Decision | None = None


class GateRefused(_Refusal):
    """The evidence was judged and fell short, or a person rejected it (``decision``); attempts are left."""

    type: Literal["gate_refused"] = "gate_refused"


class AttemptsExhausted(_Refusal):
    """The evidence fell short and it was the last attempt that the gate allows."""

    type: Literal["attempts_exhausted"] = "attempts_exhausted"
    reopen: Reopen = "assistant"


class GateSentBack(_Refusal):
    """A check refused, and the gate says that the session then goes back to an earlier phase."""

    type: Literal["gate_sent_back"] = "gate_sent_back"
    to_phase: int
    cleared: tuple[int, ...] = ()


class GateBlocked(_Attempt):
    """The gate could not be judged: it needs something that is not there. It does not count as refused."""

    type: Literal["gate_blocked"] = "gate_blocked"
    blocked_by: tuple[str, ...]
    missing: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    outstanding: tuple[str, ...]


class _Pass(_Attempt):
    """``decision`` is a person's, ``baseline`` of the phase that is entered."""

    basis: Basis
    skipped: tuple[Skipped, ...] = ()
    baseline: Stored | None = None
    decision: Decision | None = None


class PhaseCompleted(_Pass):
    """The gate let the phase go; ``next_phase`` is the one that is now current, those between are ``skipped``."""

    type: Literal["phase_completed"] = "phase_completed"
    next_phase: int


class WorkflowCompleted(_Pass):
    """The gate let the last phase go, or all that follow it are ``skipped``."""

    type: Literal["workflow_completed"] = "workflow_completed"


class PhaseOverridden(_Pass):
    """A person let the phase go although its gate did not; ``decision`` says who and why."""

    type: Literal["phase_overridden"] = "phase_overridden"
    next_phase: int


class WorkflowOverridden(_Pass):
    """A person let the last phase go although its gate did not."""

    type: Literal["workflow_overridden"] = "workflow_overridden"


class Repinned(_Event):
    """A person had the session go on with the definition that is on disk now."""

    type: Literal["repinned"] = "repinned"
    definition: DefinitionRef
    phases: tuple[int, ...]
    baseline: Stored | None = None
    decision: Decision


class BudgetRaised(_Event):
    """A person gave the session another budget."""

    type: Literal["budget_raised"] = "budget_raised"
    budget: Budget
    decision: Decision


class Paused(_Event):
    """Work stops for a while, with a note for whoever goes on."""

    type: Literal["paused"] = "paused"
    note: str | None = None


class Resumed(_Event):
    """Work goes on."""

    type: Literal["resumed"] = "resumed"
    paused_seconds: float


class PhaseRetried(_Event):
    """The current phase is begun again; from ``failed`` the count of refusals starts anew."""

    type: Literal["phase_retried"] = "phase_retried"
    phase: int
    reset_evidence: bool = False


class PhaseReopened(_Event):
    """A person opened a failed phase whose gate says that only a person may."""

    type: Literal["phase_reopened"] = "phase_reopened"
    phase: int
    reason: str
    authority: Authority = Authority()


class RolledBack(_Event):
    """An earlier phase (or the current one) is current again; what came after it is no longer accepted."""

    type: Literal["rolled_back"] = "rolled_back"
    from_phase: int
    to_phase: int
    cleared: tuple[int, ...] = ()


class SessionDeleted(_Event):
    """The session is in the trash."""

    type: Literal["session_deleted"] = "session_deleted"
    reason: str | None = None


class SessionUndeleted(_Event):
    """The session was taken out of the trash as it was."""

    type: Literal["session_undeleted"] = "session_undeleted"


class SessionMigrated(_Event):
    """The session's file was of an older version of the format and is now written in the present one."""

    type: Literal["session_migrated"] = "session_migrated"
    from_schema: int


class SessionRestored(_Event):
    """A person brought the session back from a backup: ``session`` is what it said there, at another version.

    That version is the newest that was ever known, since none that was handed out is handed out again.
    """

    type: Literal["session_restored"] = "session_restored"
    backed_up_at: datetime
    session: Session
    authority: Authority = Authority()


class SealAccepted(_Event):
    """A person looked at files changed by other hands and accepted them as they are; ``session`` is what they say."""

    type: Literal["seal_accepted"] = "seal_accepted"
    finding: str
    session: Session
    authority: Authority = Authority()


Event = Annotated[
    SessionStarted
    | SessionImported
    | AttemptBegun
    | ApprovalRequested
    | AttemptInterrupted
    | AttemptExpired
    | GateRefused
    | AttemptsExhausted
    | GateSentBack
    | GateBlocked
    | PhaseCompleted
    | WorkflowCompleted
    | PhaseOverridden
    | WorkflowOverridden
    | Repinned
    | BudgetRaised
    | Paused
    | Resumed
    | PhaseRetried
    | PhaseReopened
    | RolledBack
    | SessionDeleted
    | SessionUndeleted
    | SessionMigrated
    | SessionRestored
    | SealAccepted,
    Field(discriminator="type"),
]
