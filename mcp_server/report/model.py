"""What a report says, as data. HTML and Markdown show it, and as JSON it is this and nothing else.

Text of others (evidence, output, notes, titles) is here as it was given; whoever shows it makes it harmless.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mcp_server.domain.authority import Authority
from mcp_server.domain.checks import Budget
from mcp_server.domain.frozen import Frozen
from mcp_server.domain.results import CheckStatus, Content
from mcp_server.domain.session import Basis, GateState, Status, Usage

FORMAT_VERSION = 1
"""Grows when a field of the JSON changes its meaning or goes; a new field does not count."""

Outcome = Literal[
    "passed", "overridden", "refused", "exhausted", "sent_back", "blocked", "interrupted", "expired", "superseded",
    "checking", "awaiting_approval",
]  # fmt: skip
PhaseStatus = Literal["completed", "in_progress", "failed", "rolled_back", "skipped", "not_reached"]


class Excerpt(Frozen):
    """Text of others. ``text`` may be a part of it; ``bytes`` and ``sha256`` are of all of it."""

    text: str
    clipped: bool = Field(default=False, description="whether text is only a part; nothing when there was no room")
    bytes: int
    sha256: str


class EvidenceItem(Frozen):
    """One piece of evidence: its value as compact JSON with sorted keys, and why it is believed."""

    name: str
    basis: Basis
    value: Excerpt
    blob: bool = Field(default=False, description="whether the store keeps the value as a file named by its SHA-256")


class ShownRun(Frozen):
    """One program that was run; of its output the end is shown."""

    argv: tuple[str, ...]
    match: str | None = Field(default=None, description="the file that for_each found")
    status: CheckStatus
    exit_code: int | None = None
    problem: str | None = None
    duration_seconds: float
    tries: int
    stdout: Excerpt
    stderr: Excerpt


class ShownCheck(Frozen):
    """What one check came to."""

    id: str
    description: str
    status: CheckStatus
    problem: str | None = None
    duration_seconds: float
    value: Excerpt | None = Field(default=None, description="what the check read, as JSON")
    runs: tuple[ShownRun, ...] = ()
    runs_left_out: int = 0


class Round(Frozen):
    """One time that an attempt's checks were run, and the digests of the content that they depend on."""

    at: datetime
    duration_seconds: float
    checks: tuple[ShownCheck, ...] = ()
    checks_left_out: int = 0
    contents: tuple[Content, ...] = ()
    results_sha256: str | None = Field(default=None, description="the file in the store that holds all results")


class Problem(Frozen):
    """One thing that the gate found wrong."""

    field: str
    problem: str


class Decided(Frozen):
    """What a person decided, when, how it is known who they are, and what they said."""

    at: datetime
    what: Literal["approved", "rejected", "overridden"]
    by: Authority
    note: str | None = None


class Step(Frozen):
    """One event of an attempt by its number in the log."""

    event: int
    at: datetime
    what: str


class Attempt(Frozen):
    """One attempt at a phase's gate, or a person's override of it."""

    number: int
    outcome: Outcome
    basis: Basis | None = None
    vouched: bool = Field(description="false for what precedes files that a person accepted: nothing vouches for it")
    steps: tuple[Step, ...]
    duration_seconds: float
    evidence: tuple[EvidenceItem, ...] = ()
    evidence_left_out: int = 0
    missing: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    problems_left_out: int = 0
    blocked_by: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    advice: str | None = None
    rounds: tuple[Round, ...] = ()
    decided: Decided | None = None
    usage: Usage = Usage()


class AskedCheck(Frozen):
    """A check that the phase's gate has."""

    id: str
    kind: Literal["run", "file", "glob"]
    description: str = ""


class Asked(Frozen):
    """What the phase's gate asks for, as the pinned definition says."""

    evidence: tuple[str, ...] = Field(default=(), description="the names that are required")
    checks: tuple[AskedCheck, ...] = ()
    protected_paths: tuple[str, ...] = ()
    approval: bool = False


class CheckCounts(Frozen):
    """How many checks of one time came to what."""

    passed: int = 0
    failed: int = 0
    blocked: int = 0


class Phase(Frozen):
    """One phase. ``evidence`` is what is accepted now; ``attempts`` are all that were made, oldest first."""

    number: int
    title: str
    status: PhaseStatus
    basis: Basis | None = None
    taken_over: bool = Field(
        default=False, description="the completion is another record's word (import, backup, accepted file), no gate's"
    )
    condition: str | None = Field(default=None, description="why the phase was skipped")
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_seconds: float | None = Field(default=None, description="without pauses")
    asked: Asked
    checks: CheckCounts | None = Field(default=None, description="the checks when they were run last; none: never")
    attempts_made: int = Field(description="all of them, also those that are left out; overrides are none")
    decided: Literal["approved", "rejected", "overridden"] | None = Field(
        default=None, description="what a person decided last"
    )
    evidence: tuple[EvidenceItem, ...] = ()
    evidence_left_out: int = 0
    attempts: tuple[Attempt, ...] = ()
    attempts_left_out: int = Field(default=0, description="older attempts of this phase that are only counted")


class PhasesByBasis(Frozen):
    """The numbers of the phases, each in one place."""

    verified: tuple[int, ...] = ()
    human: tuple[int, ...] = ()
    attested: tuple[int, ...] = ()
    overridden: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()
    not_completed: tuple[int, ...] = ()


class ItemsByBasis(Frozen):
    """How many pieces of accepted evidence rest on what."""

    verified: int = 0
    human: int = 0
    attested: int = 0
    overridden: int = 0


class Glance(Frozen):
    """What the session comes to, counted."""

    phases: PhasesByBasis
    items: ItemsByBasis
    checks_passed: int = Field(description="checks by the server that passed in the attempts that are accepted")
    attempts: int
    not_passed: int = Field(description="attempts that were refused, blocked, interrupted, expired or given up")
    decisions: int = Field(description="how often a person decided")


class Notice(Frozen):
    """Something that a reader should know before the rest; ``quote`` is what somebody said about it."""

    kind: Literal["override", "attested", "doubt", "person", "history"]
    text: str
    quote: str | None = None


class Happening(Frozen):
    """An event of the session that is no attempt's."""

    event: int
    at: datetime
    type: str
    text: str
    quote: str | None = None
    by: Authority | None = None


class Definition(Frozen):
    """A definition that the session pinned, from that event on."""

    event: int
    digest: str
    name: str
    version: str
    source: str


class Blob(Frozen):
    """A file of the store that the report speaks of: ``blobs/<first two>/<sha256>``."""

    sha256: str
    bytes: int
    what: str


class Proof(Frozen):
    """What can be held against the session's files. All of it was looked at when the report was made."""

    verified_at: datetime
    version: int
    head_sha256: str
    log_events: int
    log_bytes: int
    log_last_line_sha256: str
    seal: Literal["sealed", "unsealed"]
    key_id: str | None = None
    anchored: bool
    accepted_event: int | None = Field(
        default=None, description="a person accepted changed files with this event; nothing vouches for what precedes"
    )
    definitions: tuple[Definition, ...]
    blobs: tuple[Blob, ...] = ()
    blobs_left_out: int = 0


class Subject(Frozen):
    """The session that the report is about, as it stood when the report was made."""

    session_id: str
    workflow_type: str
    workflow_name: str
    workflow_version: str
    source: str
    target_file: str
    status: Status
    gate: GateState | None
    current_phase: int
    created_at: datetime
    last_updated: datetime
    completed_at: datetime | None
    checkpoint_note: str | None
    imported_from: str | None
    options: tuple[EvidenceItem, ...] = ()
    elapsed_seconds: float = Field(description="from the start to the end, or to the last change; pauses included")
    active_seconds: float
    usage: Usage
    budget: Budget | None


class Report(Frozen):
    """A session's report."""

    report: Literal["pos-workflow session report"] = "pos-workflow session report"
    format_version: Literal[1] = FORMAT_VERSION
    made_at: datetime
    made_by: str
    session: Subject
    glance: Glance
    notices: tuple[Notice, ...] = ()
    phases: tuple[Phase, ...]
    happenings: tuple[Happening, ...] = ()
    happenings_left_out: int = 0
    proof: Proof
    shortened: bool = Field(description="whether anything was left out or cut for its size; each place says so")
