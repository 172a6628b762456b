"""What waits for a person in a project: an answer, trust, a budget, a gate that has to be mended, a failed phase."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mcp_server.domain import budgeting
from mcp_server.domain.session import GateState, Status, Usage
from mcp_server.engine.ground import Ground, View, require_phase
from mcp_server.engine.planning import plan_of
from mcp_server.errors import PosWorkflowError
from mcp_server.storage.summary import Summary, summary_of

Want = Literal["approval", "trust", "budget", "mending", "reopening"]


@dataclass(frozen=True)
class Waiting:
    """A session that does not go on without a person, what it needs of them, and since when."""

    view: View
    want: Want
    since: datetime


def waiting(ground: Ground) -> list[Waiting]:
    """All that waits, the one that has waited longest first."""
    listed = [one for one in ground.store.sessions().sessions if _waits(one)]
    found = [one for session in listed for one in _of(ground, session.session_id)]
    return sorted(found, key=lambda one: (one.since, one.view.session.session_id))


def _waits(session: Summary) -> bool:
    failed = session.session_status is Status.FAILED and session.reopen == "person"
    return session.asked_at is not None or failed or session.gate is GateState.BLOCKED


def _of(ground: Ground, session_id: str) -> Iterator[Waiting]:
    try:
        session = ground.store.read(session_id)
        if not _waits(summary_of(session)):
            return
        asked = session.under_way.asked_at if session.under_way else None
        view = ground.view(session)
        failed = session.session_status is Status.FAILED
        want = "approval" if asked else "reopening" if failed else _blocked_by(ground, view)
    except PosWorkflowError:
        # It is gone by now, or its files are damaged, which is for ``verify`` to tell; the others wait all the same.
        return
    yield Waiting(view, want, asked or session.last_updated)


def _blocked_by(ground: Ground, view: View) -> Want:
    session, workflow = view.session, view.workflow
    phase = require_phase(workflow, session.current_phase)
    runs = any(check.kind == "run" for check in phase.gate.checks)
    if runs and plan_of(ground, session, workflow, phase).untrusted is not None:
        return "trust"
    return "budget" if budgeting.exceeded(session, workflow, Usage(), ground.now()) else "mending"
