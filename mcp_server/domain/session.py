"""What a session is. Everything here is a value: it is never changed, only replaced by what an event makes of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field, JsonValue

from mcp_server.domain.checks import Budget
from mcp_server.domain.frozen import Frozen, Stored
from mcp_server.domain.results import Checked

SCHEMA_VERSION = 1


class Status(StrEnum):
    """Where a session stands as a whole."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"


class GateState(StrEnum):
    """Where the gate of an active session's current phase stands.

    It is open, an attempt is under way (``checking``, ``awaiting_approval``), or it is what the last one came to.
    """

    OPEN = "open"
    CHECKING = "checking"
    AWAITING_APPROVAL = "awaiting_approval"
    REFUSED = "refused"
    BLOCKED = "blocked"
    INTERRUPTED = "interrupted"
    EXPIRED = "expired"


Basis = Literal["attested", "verified", "human", "overridden"]
"""Why something is believed: the assistant said so, the server saw it, a person approved it or let it pass."""


Reopen = Literal["assistant", "person"]
"""Who may open a phase again whose attempts are used up."""


class Item(Frozen):
    """One piece of evidence: its value, or where the value is stored, and why it is believed."""

    basis: Basis = "attested"
    value: JsonValue = None
    stored: Stored | None = None


class Evidence(Frozen):
    """What was submitted for one attempt, by name; as a whole in one blob when even the small values add up."""

    items: dict[str, Item] = Field(default_factory=dict[str, Item])
    stored: Stored | None = None


class Draft(Frozen):
    """The last submission of the current phase that did not pass, and the names it still leaves open."""

    evidence: Evidence
    outstanding: tuple[str, ...] = ()


class UnderWay(Frozen):
    """An attempt whose checks run, or that waits for a person.

    ``run`` names it once and for all: the file that the server which runs its checks holds locked. ``checked`` is what
    the server saw, once it has; ``expires_at`` is when the question to a person lapses.
    """

    attempt: int
    run: str
    fingerprint: str
    begun_at: datetime
    checked: Checked | None = None
    asked_at: datetime | None = None
    expires_at: datetime | None = None


class DefinitionRef(Frozen):
    """The definition a session was started with: its content's SHA-256 and where it was read from."""

    digest: str
    version: str
    name: str
    source: str


class PhaseRecord(Frozen):
    """The latest record of one phase.

    ``attempt`` counts every judged attempt in the session's life, ``refused`` those that count against the gate's
    ``max_attempts`` since the phase was last opened anew. Durations are seconds of wall clock without pauses. A skipped
    phase was never begun: its ``started_at`` is when that was judged.
    """

    phase: int
    status: Literal["in_progress", "completed", "failed", "rolled_back", "skipped"]
    attempt: int = 0
    refused: int = 0
    basis: Basis | None = None
    started_at: datetime
    completed_at: datetime | None = None
    duration_seconds: float | None = None
    paused_seconds: float = 0.0


class Usage(Frozen):
    """What the assistant reported under the reserved name ``usage``, added up over the session."""

    tokens: int = Field(default=0, ge=0)
    cost_usd: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class Session(Frozen):
    """One walk through one workflow. ``version`` is the revision: 1 at the start, one more with every event.

    ``last_refusal`` tells what the gate said last in this phase, ``escalated`` that it had said the same before, and
    ``reopen`` who may open the phase again once it has failed. ``imported_from`` is the id that a session had in the
    program it came from.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    session_id: str
    version: int
    session_status: Status
    gate: GateState | None
    workflow_type: str
    target_file: str
    definition: DefinitionRef
    phases: tuple[int, ...]
    current_phase: int
    completed_phases: tuple[int, ...] = ()
    artifacts: dict[int, Evidence] = Field(default_factory=dict[int, Evidence])
    draft: Draft | None = None
    under_way: UnderWay | None = None
    phase_history: tuple[PhaseRecord, ...]
    last_refusal: str | None = None
    escalated: bool = False
    reopen: Reopen = "assistant"
    options: Evidence = Evidence()
    baselines: dict[int, Stored] = Field(default_factory=dict[int, Stored])
    usage: Usage = Usage()
    budget: Budget | None = None
    active_seconds: float = 0.0
    active_since: datetime | None = None
    checkpoint_note: str | None = None
    created_at: datetime
    last_updated: datetime
    paused_at: datetime | None = None
    completed_at: datetime | None = None
    deleted_at: datetime | None = None
    imported_from: str | None = None

    @property
    def record(self) -> PhaseRecord:
        """The record of the current phase."""
        return self.record_of(self.current_phase)

    def active_seconds_at(self, now: datetime) -> float:
        """How long the session has been active in all."""
        since = self.active_since
        return self.active_seconds + (max(0.0, (now - since).total_seconds()) if since else 0.0)

    @property
    def skipped_phases(self) -> tuple[int, ...]:
        """The phases that are skipped as things stand, in order."""
        return tuple(record.phase for record in self.phase_history if record.status == "skipped")

    @property
    def overridden_phases(self) -> tuple[int, ...]:
        """The phases that a person let go although their gate did not, as things stand, in order."""
        return tuple(record.phase for record in self.phase_history if record.basis == "overridden")

    def record_of(self, phase: int) -> PhaseRecord:
        """The record of a phase that was entered or skipped at least once; KeyError otherwise."""
        for record in self.phase_history:
            if record.phase == phase:
                return record
        raise KeyError(phase)
