"""A session and its log made into a report. Whoever builds one has had all of the session verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import mcp_server
from mcp_server.domain import budgeting
from mcp_server.domain.definition import Workflow
from mcp_server.domain.events import Repinned, SealAccepted, SessionImported, SessionRestored, SessionStarted
from mcp_server.domain.session import Session
from mcp_server.engine import Engine
from mcp_server.report import model
from mcp_server.report.attempts import attempts_of
from mcp_server.report.clipping import Bounds, Clipper
from mcp_server.report.exhibits import Exhibits
from mcp_server.report.happenings import authority_of, happenings
from mcp_server.report.notices import notices
from mcp_server.report.phases import Phases
from mcp_server.storage.verification import Whole

FULL: Final = Bounds()

_STANDS: Final = frozenset({"passed", "overridden", "checking", "awaiting_approval"})


def build(engine: Engine, whole: Whole, bounds: Bounds = FULL) -> model.Report:
    """The report of a session as ``whole`` has it."""
    clipper = Clipper(bounds)
    exhibits = Exhibits(engine, clipper)
    view, now = engine.of(whole.session), engine.now()
    tried = attempts_of(whole.records)
    phases = tuple(Phases(whole, view.session, view.workflow, tried, exhibits))
    outcomes = Counter(one.outcome(view.session.gate) for one in tried)
    events, left_out = clipper.last(list(happenings(whole.records, clipper)), bounds.happenings)
    return model.Report(
        made_at=now,
        made_by=f"pos-workflow {mcp_server.__version__}",
        session=_subject(view.session, view.workflow, now, exhibits),
        glance=model.Glance(
            phases=_by_basis(phases),
            items=_items(engine, view.session),
            checks_passed=sum(map(_checks_passed, phases)),
            attempts=outcomes.total() - outcomes["overridden"],
            not_passed=sum(count for outcome, count in outcomes.items() if outcome not in _STANDS),
            decisions=sum(authority_of(record.event) is not None for record in whole.records),
        ),
        notices=tuple(notices(whole, phases, clipper)),
        phases=phases,
        happenings=tuple(events),
        happenings_left_out=left_out,
        proof=_proof(whole, now, exhibits),
        shortened=clipper.shortened,
    )


def _by_basis(phases: Sequence[model.Phase]) -> model.PhasesByBasis:
    numbers: dict[str, tuple[int, ...]] = {}
    for phase in phases:
        place = phase.basis or ("skipped" if phase.status == "skipped" else "not_completed")
        numbers[place] = (*numbers.get(place, ()), phase.number)
    return model.PhasesByBasis(**numbers)


def _items(engine: Engine, session: Session) -> model.ItemsByBasis:
    accepted = (item.basis for one in session.artifacts.values() for item in engine.evidence(one).values())
    return model.ItemsByBasis(**Counter(accepted))


def _checks_passed(phase: model.Phase) -> int:
    """Of a phase that a gate of this log let pass, the checks that did."""
    gated = phase.basis not in (None, "overridden") and not phase.taken_over
    return phase.checks.passed if gated and phase.checks else 0


def _subject(session: Session, workflow: Workflow, now: datetime, exhibits: Exhibits) -> model.Subject:
    options, _ = exhibits.evidence(session.options, "the start's options")
    ended = session.completed_at or session.last_updated
    return model.Subject(
        session_id=session.session_id,
        workflow_type=session.workflow_type,
        workflow_name=session.definition.name,
        workflow_version=session.definition.version,
        source=session.definition.source,
        target_file=session.target_file,
        status=session.session_status,
        gate=session.gate,
        current_phase=session.current_phase,
        created_at=session.created_at,
        last_updated=session.last_updated,
        completed_at=session.completed_at,
        checkpoint_note=exhibits.clipper.said(session.checkpoint_note),
        imported_from=session.imported_from,
        options=options,
        elapsed_seconds=max(0.0, round((ended - session.created_at).total_seconds(), 3)),
        active_seconds=round(session.active_seconds_at(now), 3),
        usage=session.usage,
        budget=budgeting.budget_of(session, workflow),
    )


def _proof(whole: Whole, now: datetime, exhibits: Exhibits) -> model.Proof:
    blobs, left_out = exhibits.clipper.first(list(exhibits.blobs.values()), exhibits.clipper.bounds.blobs)
    return model.Proof(
        verified_at=now,
        version=whole.session.version,
        head_sha256=whole.head,
        log_events=whole.log.count,
        log_bytes=whole.log.length,
        log_last_line_sha256=whole.log.hash,
        seal="sealed" if whole.key_id else "unsealed",
        key_id=whole.key_id,
        anchored=whole.anchored,
        accepted_event=whole.accepted or None,
        definitions=tuple(_pinned(whole)),
        blobs=tuple(blobs),
        blobs_left_out=left_out,
    )


def _pinned(whole: Whole) -> Iterator[model.Definition]:
    """Every definition that the session had, each from the event on with which it got it."""
    before = None
    for record in whole.records:
        match record.event:
            case SessionStarted() | Repinned():
                pinned = record.event.definition
            case SessionImported() | SessionRestored() | SealAccepted():
                pinned = record.event.session.definition
            case _:
                continue
        if pinned.digest != before:
            before = pinned.digest
            yield model.Definition(event=record.seq, **pinned.model_dump())
