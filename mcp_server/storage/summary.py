"""What a list tells of a session: little enough that very many fit into memory and into one file."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from mcp_server.domain.session import GateState, Reopen, Session, Status


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in a list. ``gate`` is as it was written down; ``asked_at`` is since when a person is asked."""

    session_id: str
    version: int
    workflow_type: str
    target_file: str
    current_phase: int
    total_phases: int
    session_status: Status
    gate: GateState | None
    reopen: Reopen
    asked_at: datetime | None
    overridden_phases: tuple[int, ...]
    created_at: datetime
    last_updated: datetime
    completed_at: datetime | None

    @property
    def unfinished(self) -> bool:
        """Whether somebody may yet go on with it."""
        return self.session_status is not Status.COMPLETED

    def is_stale(self, before: datetime) -> bool:
        """Whether it is unfinished and has not changed since before that moment."""
        return self.unfinished and self.last_updated < before


FIELDS: Final = tuple(Summary.__dataclass_fields__)

values_of: Final = attrgetter(*FIELDS)
"""The values of a summary in the order of ``FIELDS``."""

order_of: Final = attrgetter("created_at", "session_id")
"""What summaries are ordered by."""


def summary_of(session: Session) -> Summary:
    """What a list tells of this session."""
    return Summary(
        session_id=session.session_id,
        version=session.version,
        workflow_type=sys.intern(session.workflow_type),
        target_file=session.target_file,
        current_phase=session.current_phase,
        total_phases=len(session.phases),
        session_status=session.session_status,
        gate=session.gate,
        reopen=session.reopen,
        asked_at=session.under_way.asked_at if session.under_way else None,
        overridden_phases=session.overridden_phases,
        created_at=session.created_at,
        last_updated=session.last_updated,
        completed_at=session.completed_at,
    )


def summary_from(values: list[Any]) -> Summary:
    """The summary with these values as JSON has them; ValueError or TypeError when there is none."""
    told = dict(zip(FIELDS, values, strict=True))
    for name in ("asked_at", "created_at", "last_updated", "completed_at"):
        told[name] = told[name] and datetime.fromisoformat(told[name])
    told["overridden_phases"] = tuple(told["overridden_phases"])
    told["workflow_type"] = sys.intern(told["workflow_type"])
    told["session_status"] = Status(told["session_status"])
    told["gate"] = told["gate"] and GateState(told["gate"])
    return Summary(**told)
