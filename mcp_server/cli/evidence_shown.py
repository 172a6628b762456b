"""What an attempt rests on, as a person reads it who has to judge it: the evidence and what the checks came to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from mcp_server.actions.paging import clipped
from mcp_server.cli.output import duration, say, size, table
from mcp_server.domain.results import Checked
from mcp_server.domain.session import Evidence, Item
from mcp_server.engine import Engine, require_phase

VALUE_BYTES: Final = 600
"""What is shown of one value, in bytes of its JSON text."""


def show_evidence(engine: Engine, evidence: Evidence) -> None:
    """Each piece of evidence with its basis; a large one by its beginning or its size."""
    items = engine.evidence(evidence)
    if not items:
        say("No evidence was submitted.")
        return
    table(("EVIDENCE", "BASIS", "VALUE"), [(name, one.basis, _value(engine, one)) for name, one in items.items()])


def show_checks(engine: Engine, checked: Checked | None, *, output: bool) -> None:
    """Each check with its verdict; with ``output`` also the end of what every program printed."""
    results = engine.checks(checked) if checked is not None else []
    if not results:
        return
    rows: list[tuple[Any, ...]] = []
    for one in results:
        exits = ", ".join(str(run.exit_code) for run in one.runs if run.exit_code is not None)
        rows.append((one.id, one.status, clipped(exits, 40), _took(one.duration_seconds), one.problem or ""))
    table(("CHECK", "VERDICT", "EXIT", "TOOK", "PROBLEM"), rows)
    for run in (run for one in results for run in one.runs if output):
        say(f"$ {' '.join(run.argv)}", "bold")
        for text in (run.stdout, run.stderr):
            if text.strip():
                say(text.rstrip())


@dataclass(frozen=True)
class GroundOfPhase:
    """What a phase rests on, or the last attempt at it."""

    phase: int
    basis: str | None
    evidence: Evidence
    checked: Checked | None

    def show(self, engine: Engine) -> None:
        """Print it."""
        show_evidence(engine, self.evidence)
        show_checks(engine, self.checked, output=False)

    def told(self, engine: Engine) -> dict[str, Any]:
        """The same for programs, with all that the checks printed and that was kept."""
        items = engine.evidence(self.evidence)
        results = engine.checks(self.checked) if self.checked is not None else []
        return {
            "phase": self.phase,
            "basis": self.basis,
            "evidence": [
                {"name": name, "basis": one.basis, "value": json.loads(engine.value(one))}
                for name, one in items.items()
            ],
            "checks": [one.model_dump(mode="json", exclude_none=True) for one in results],
        }


def ground_of(engine: Engine, session_id: str, phase: int) -> GroundOfPhase:
    """What a phase of a session rests on; NotFoundError for a phase that there is none of."""
    view = engine.view(session_id)
    require_phase(view.workflow, phase)
    session = view.session
    draft = session.draft.evidence if session.draft and phase == session.current_phase else Evidence()
    record = next((one for one in session.phase_history if one.phase == phase), None)
    checked = None
    for one in engine.events(session_id):
        event = one.event
        if getattr(event, "phase", None) == phase:
            checked = getattr(event, "checked", None) or checked
    return GroundOfPhase(phase, record.basis if record else None, session.artifacts.get(phase, draft), checked)


def _took(seconds: float) -> str:
    return duration(seconds) if seconds >= 1 else f"{seconds:.2f} s"


def _value(engine: Engine, item: Item) -> str:
    if item.stored is not None:
        return f"{size(item.stored.bytes)}, sha256 {item.stored.sha256[:12]}"
    return clipped(engine.value(item), VALUE_BYTES)
