"""``get_session``: the whole record of a session, and one phase's evidence in full."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mcp_server.actions.action import Action, Answer, Params, Part, Reply
from mcp_server.actions.decisions import Pass, decided_by, passes
from mcp_server.actions.fields import Cursor, PhaseNumber, SessionId
from mcp_server.actions.get_state import shown
from mcp_server.actions.paging import Pager, clipped, size
from mcp_server.actions.skipped import CONDITION_BYTES
from mcp_server.domain.budgeting import budget_of
from mcp_server.domain.definition import Workflow
from mcp_server.domain.session import Evidence, Item, PhaseRecord, Session, Usage
from mcp_server.engine import Engine, View, require_phase

NAME_BYTES = 1_000
WHOLE_BYTES = 8_000
"""Up to this size a value is given as it is, above it as JSON text that may go on with the next page."""


class GetSession(Params):
    """Read the whole record of a session; with ``phase`` also that phase's evidence in full.

    History, options and evidence come in pages; a large value as pieces of its JSON text under ``json``, to be joined.
    """

    session_id: SessionId
    phase: PhaseNumber | None = None
    cursor: Cursor | None = None


class Definition(Part):
    """The definition that the session keeps; ``moved_on`` when the one on disk is another by now.

    ``shadows`` names the places of those of the same name that it hides.
    """

    version: str
    digest: str
    source: str
    shadows: list[str] | None = None
    name: str
    moved_on: bool


class SessionBudget(Part):
    """The limits of the session, ``raised`` when a person set them, and the minutes used; ``usage`` has the rest."""

    mode: str
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    max_active_minutes: float | None = None
    active_minutes: float
    raised: bool | None = None


class SessionRecord(Part):
    """A session, all of it but the values of its evidence."""

    session_id: str
    workflow_type: str
    target_file: str
    session_status: str
    version: int
    gate: str | None = None
    current_phase: int
    total_phases: int
    phases: list[int]
    completed_phases: list[int]
    phase_history: list[dict[str, Any]]
    options: dict[str, Any]
    definition: Definition
    checkpoint_note: str | None = None
    usage: Usage
    budget: SessionBudget | None = None
    created_at: datetime
    last_updated: datetime
    paused_at: datetime | None = None
    completed_at: datetime | None = None
    imported_from: str | None = None


class PhaseEvidence(Part):
    """The evidence of one phase: accepted, or the draft of the last attempt."""

    phase: int
    accepted: bool
    items: list[dict[str, Any]]


class WholeSession(Reply):
    """The record, and with ``phase`` its evidence.

    ``large_options`` holds what ``session.options`` tells only by size and hash.
    """

    session: SessionRecord
    large_options: list[dict[str, Any]] | None = None
    evidence: PhaseEvidence | None = None


def run(engine: Engine, params: GetSession) -> Answer:
    """Show the record."""
    view = engine.view(params.session_id)
    session = view.session
    pager = Pager(f"session {session.session_id} {params.phase}", params.cursor, budget=40_000)
    record = _record(engine, view, pager)
    options = engine.evidence(session.options)
    large = _in_pieces(engine, {name: item for name, item in options.items() if _weight(item) > WHOLE_BYTES}, pager)
    evidence = None
    if params.phase is not None:
        require_phase(view.workflow, params.phase)
        evidence = _evidence(engine, session, params.phase, pager)
    reply = WholeSession(session=record, large_options=large or None, evidence=evidence, next_cursor=pager.next_cursor)
    return Answer(reply, session)


def _record(engine: Engine, view: View, pager: Pager) -> SessionRecord:
    session = view.session
    pinned = session.definition
    options = {
        name: json.loads(engine.value(item)) if _weight(item) <= WHOLE_BYTES else shown(item)
        for name, item in engine.evidence(session.options).items()
    }
    let_go = passes(engine, session)
    return SessionRecord(
        session_id=session.session_id,
        workflow_type=session.workflow_type,
        target_file=session.target_file,
        session_status=session.session_status,
        version=session.version,
        gate=session.gate,
        current_phase=session.current_phase,
        total_phases=len(session.phases),
        phases=list(session.phases),
        completed_phases=list(session.completed_phases),
        phase_history=pager.items(
            _history(record, view.workflow, let_go.get(record.phase)) for record in session.phase_history
        ),
        options=dict(pager.items(options.items())),
        definition=Definition(
            version=clipped(pinned.version, NAME_BYTES),
            digest=pinned.digest,
            source=pinned.source,
            shadows=list(engine.shadows(session)) or None,
            name=clipped(pinned.name, NAME_BYTES),
            moved_on=engine.moved_on(session),
        ),
        checkpoint_note=session.checkpoint_note,
        usage=session.usage,
        budget=_budget(view, engine.now()),
        created_at=session.created_at,
        last_updated=session.last_updated,
        paused_at=session.paused_at,
        completed_at=session.completed_at,
        imported_from=session.imported_from,
    )


def _budget(view: View, now: datetime) -> SessionBudget | None:
    session = view.session
    budget = budget_of(session, view.workflow)
    if budget is None:
        return None
    minutes = round(session.active_seconds_at(now) / 60, 1)
    return SessionBudget(**budget.model_dump(), active_minutes=minutes, raised=True if session.budget else None)


def _history(record: PhaseRecord, workflow: Workflow, let_go: Pass | None) -> dict[str, Any]:
    told = record.model_dump(mode="json", exclude={"refused", "paused_seconds"}, exclude_none=True)
    if record.status == "skipped" and (condition := require_phase(workflow, record.phase).skip_condition):
        told["skip_condition"] = clipped(condition, CONDITION_BYTES)
    if let_go is not None and (decided := decided_by(let_go.decision)) is not None:
        told["decided_by"] = decided.model_dump(mode="json", exclude_none=True)
    return told


def _evidence(engine: Engine, session: Session, phase: int, pager: Pager) -> PhaseEvidence:
    accepted = session.artifacts.get(phase)
    draft = session.draft if phase == session.current_phase else None
    given = accepted or (draft.evidence if draft else Evidence())
    items = _in_pieces(engine, engine.evidence(given), pager)
    return PhaseEvidence(phase=phase, accepted=accepted is not None, items=items)


def _in_pieces(engine: Engine, given: Mapping[str, Item], pager: Pager) -> list[dict[str, Any]]:
    """Values with their names and basis; a large one as the piece of its JSON text that is on this page."""
    items: list[dict[str, Any]] = []
    for name, item in given.items():
        entry = {"name": name, "basis": item.basis}
        if _weight(item) <= WHOLE_BYTES:
            items += pager.items([{**entry, "value": json.loads(engine.value(item))}])
        elif piece := pager.text(engine.value(item)):
            items.append({**entry, "json": piece})
    return items


def _weight(item: Item) -> int:
    return item.stored.bytes if item.stored else size(item.value)


ACTION = Action("get_session", GetSession, WholeSession, run)
