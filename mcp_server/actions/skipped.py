"""The skipped phases in a reply: which they are, and what skipped them."""

from __future__ import annotations

from collections.abc import Iterable

from mcp_server.actions.action import Part
from mcp_server.actions.paging import Pager, clipped
from mcp_server.domain.definition import Workflow
from mcp_server.engine import require_phase

TITLE_BYTES = 200
CONDITION_BYTES = 500
SKIPPED_BYTES = 6_000
"""What the list of skipped phases may take."""


class SkippedPhase(Part):
    """A phase that was skipped, and the condition that held; ``rollback`` to it opens it.

    A phase of an imported session may have been skipped without one. A long list is cut short: the ``phase_history`` of
    ``get_session`` has the status of every phase.
    """

    phase: int
    title: str
    skip_condition: str | None = None


def skipped_phases(workflow: Workflow, numbers: Iterable[int]) -> list[SkippedPhase] | None:
    """The skipped phases of these numbers, as many as a reply has room for; None when there are none."""
    phases = (require_phase(workflow, number) for number in numbers)
    shown = (
        {
            "phase": phase.number,
            "title": clipped(phase.title, TITLE_BYTES),
            "skip_condition": clipped(phase.skip_condition, CONDITION_BYTES) or None,
        }
        for phase in phases
    )
    found = Pager("skipped", budget=SKIPPED_BYTES).items(shown)
    return [SkippedPhase.model_validate(one) for one in found] or None
