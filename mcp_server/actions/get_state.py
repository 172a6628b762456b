"""``get_state``: where a session stands, and what a fresh assistant needs to go on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from mcp_server.actions import attempts
from mcp_server.actions.action import Action, Answer, Params, Reply
from mcp_server.actions.fields import Cursor, SessionId
from mcp_server.actions.guidance import attempts_left
from mcp_server.actions.paging import Pager
from mcp_server.actions.skipped import SkippedPhase, skipped_phases
from mcp_server.actions.summary import summary
from mcp_server.domain.gates import required_names
from mcp_server.domain.session import Item, Session, Status
from mcp_server.engine import Engine, View, require_phase

VALUE_BYTES = 128
"""Up to this size a value is shown as it is, above it by size and hash."""
REFUSAL_BYTES = 500
"""What the summary may take to say what the last attempt fell short of."""


class GetState(Params):
    """Read where a session stands; enough, by itself, to go on after a lost context.

    Many artifacts come in pages.
    """

    session_id: SessionId
    cursor: Cursor | None = None


class SessionState(Reply):
    """``artifacts`` is the accepted evidence, ``outstanding_evidence`` what the current gate still waits for.

    ``phase_basis`` is why each completed phase is believed; ``overridden`` means that a person let it go although its
    gate did not. ``source`` is where the definition was found, ``shadows`` what of the same name it hides there.

    A skipped phase is not among ``completed_phases`` and counts in ``progress_percent``.
    """

    workflow_type: str
    target_file: str
    current_phase: int
    total_phases: int
    source: str
    shadows: list[str] | None = None
    completed_phases: list[int]
    phase_basis: dict[str, str]
    skipped_phases: list[SkippedPhase] | None = None
    gate: str | None = None
    attempts_left: int | None = None
    artifacts: dict[str, dict[str, Any]]
    created_at: datetime
    last_updated: datetime
    resume_capable: bool
    progress_percent: int
    outstanding_evidence: list[str]
    summary: str


def run(engine: Engine, params: GetState) -> Answer:
    """Show the state."""
    view = engine.view(params.session_id)
    session = view.session
    pager = Pager(f"state {session.session_id}", params.cursor)
    outstanding = pager.items(_outstanding(view))
    artifacts: dict[str, dict[str, Any]] = {}
    for phase, name, value in pager.items(_artifacts(engine, session)):
        artifacts.setdefault(f"phase_{phase}", {})[name] = value
    reply = SessionState(
        workflow_type=session.workflow_type,
        target_file=session.target_file,
        current_phase=session.current_phase,
        total_phases=len(session.phases),
        source=session.definition.source,
        shadows=list(engine.shadows(session)) or None,
        completed_phases=list(session.completed_phases),
        phase_basis={f"phase_{one.phase}": one.basis for one in session.phase_history if one.basis is not None},
        skipped_phases=skipped_phases(view.workflow, session.skipped_phases),
        gate=session.gate,
        attempts_left=attempts_left(session, view.workflow),
        artifacts=artifacts,
        created_at=session.created_at,
        last_updated=session.last_updated,
        resume_capable=session.session_status is not Status.COMPLETED,
        progress_percent=100 * _behind(session) // len(session.phases),
        outstanding_evidence=outstanding,
        summary=summary(session, view.workflow, _refusal(engine, session)),
        next_cursor=pager.next_cursor,
    )
    return Answer(reply, session)


def _behind(session: Session) -> int:
    return len(session.completed_phases) + len(session.skipped_phases)


def _outstanding(view: View) -> list[str]:
    """Of the draft what it left open; without one everything that the gate requires."""
    session = view.session
    if session.session_status is Status.COMPLETED:
        return []
    if session.draft is not None:
        return list(session.draft.outstanding)
    return list(required_names(require_phase(view.workflow, session.current_phase).gate))


def _refusal(engine: Engine, session: Session) -> str | None:
    """What the phase's last attempt fell short of, in words."""
    refusal = engine.last_refusal(session)
    return None if refusal is None else attempts.message(refusal, REFUSAL_BYTES)


def _artifacts(engine: Engine, session: Session) -> Iterator[tuple[int, str, Any]]:
    for phase, evidence in sorted(session.artifacts.items()):
        for name, item in engine.evidence(evidence).items():
            yield phase, name, shown(item)


def shown(item: Item) -> Any:
    """A value, or its size and hash when it is large."""
    if item.stored is not None:
        return {"bytes": item.stored.bytes, "sha256": item.stored.sha256}
    encoded = to_json(item.value)
    if len(encoded) <= VALUE_BYTES:
        return item.value
    return {"bytes": len(encoded), "sha256": hashlib.sha256(encoded).hexdigest()}


ACTION = Action("get_state", GetState, SessionState, run)
