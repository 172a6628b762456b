"""What can be told of a session's file without trusting it: whether any walk leads there, and how it differs. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from mcp_server.domain import machine
from mcp_server.domain.session import GateState, PhaseRecord, Session, Status
from mcp_server.errors import CorruptStateError

_SHOWN: Final = 120
"""Characters of a value that are shown."""
_NOTHING: Final = object()
_UNDER_WAY: Final = (GateState.CHECKING, GateState.AWAITING_APPROVAL)


def require_reachable(session: Session) -> None:
    """Raise CorruptStateError unless some walk through the workflow leads to this session.

    It says nothing of whether the walk took place: only the log can.
    """
    for broken in (_standing, _progress, _records, _marks):
        problem = broken(session)
        if problem is not None:
            raise CorruptStateError(
                "torn",
                f"no walk through the workflow leads to what its file says: {problem}",
                remediation="It cannot be accepted. Take back what was changed, or put back a copy of the file.",
            )


def differences(logged: Session, filed: Session) -> tuple[str, ...]:
    """How a session as its log makes it differs from what its file says, in words, one line for each value."""
    return tuple(_compared("", logged.model_dump(mode="json"), filed.model_dump(mode="json")))


def _standing(session: Session) -> str | None:
    if machine.state_of(session) not in machine.TABLE:
        return f"a session that is {session.session_status} cannot have the gate {session.gate}"
    if list(session.phases) != sorted(set(session.phases)):
        return "its phases are not in order"
    if session.current_phase not in session.phases:
        return f"its workflow has no phase {session.current_phase}"
    return None


def _progress(session: Session) -> str | None:
    """Every phase before the current one is completed or skipped, and no other unless the session is."""
    before = session.phases[: session.phases.index(session.current_phase)]
    completed = session.completed_phases
    done = tuple(sorted((*completed, *session.skipped_phases)))
    if done != session.phases[: len(done)] or completed != tuple(sorted(completed)):
        return "the completed phases are not the first ones"
    if set(session.artifacts) != set(completed):
        odd = min(set(session.artifacts) ^ set(completed))
        early = f"phase {odd} has evidence too early"
        return f"phase {odd} is completed without evidence" if odd in completed else early
    for phase in before:
        if phase not in done:
            return f"it is in phase {session.current_phase}, and phase {phase} is not completed"
    if session.session_status is Status.COMPLETED:
        if done != session.phases:
            return f"it is completed, and phase {session.phases[len(done)]} is not"
        # No start skips every phase, but the program that a session was imported from may have.
        nothing_done = not completed and session.imported_from is None
        return "it is completed, and every phase was skipped" if nothing_done else None
    return (
        None if done == before else f"phase {session.phases[len(before)]} is completed or skipped, and still to be done"
    )


def _records(session: Session) -> str | None:
    """Phases are entered in order, once each, and the record of each stands as the session does."""
    entered = tuple(record.phase for record in session.phase_history)
    if entered != session.phases[: len(entered)] or session.current_phase not in entered:
        return "the history of its phases has gaps"
    current = "in_progress" if session.session_status in (Status.ACTIVE, Status.PAUSED) else session.session_status
    for record in session.phase_history:
        if record.phase in session.completed_phases:
            wanted = "completed"
        elif record.phase in session.skipped_phases:
            wanted = "skipped"
        else:
            wanted = current if record.phase == session.current_phase else "rolled_back"
        if record.status != wanted:
            return f"the history says that phase {record.phase} is {record.status}, and it must be {wanted}"
        if not _sound(record):
            return f"the record of phase {record.phase} contradicts itself"
    return None


def _sound(record: PhaseRecord) -> bool:
    passed = record.basis is not None and record.completed_at is not None
    never = record.basis is None and record.completed_at is None
    fits = {"completed": passed, "rolled_back": passed or never}.get(record.status, never)
    return fits and 0 <= record.refused <= record.attempt


def _marks(session: Session) -> str | None:
    """What goes with a status is there, and not without it."""
    status = session.session_status
    judged = session.gate not in (None, GateState.OPEN) or status is Status.FAILED
    rules: tuple[tuple[Callable[[], bool], str], ...] = (
        (lambda: (session.paused_at is None) == (status is not Status.PAUSED), "paused_at does not go with its status"),
        (
            lambda: (session.completed_at is None) == (status is not Status.COMPLETED),
            "completed_at does not go with its status",
        ),
        (
            lambda: not judged or (session.draft is not None and session.record.attempt > 0),
            "its gate has judged an attempt that nobody made",
        ),
        (lambda: status is not Status.COMPLETED or session.draft is None, "it is completed and has a draft"),
        (
            lambda: (session.under_way is not None) == (session.gate in _UNDER_WAY),
            "an attempt that is under way does not go with its gate",
        ),
        (
            lambda: (session.active_since is not None) == (status is Status.ACTIVE and session.deleted_at is None),
            "active_since does not go with its status",
        ),
        (lambda: session.version > 0, "its version is not a version"),
    )
    return next((problem for holds, problem in rules if not holds()), None)


def _compared(name: str, logged: object, filed: object) -> Iterator[str]:
    if logged == filed:
        return
    kinds = {type(logged), type(filed)}
    if kinds == {dict}:
        old, new = cast("dict[str, Any]", logged), cast("dict[str, Any]", filed)
        for key in dict.fromkeys((*old, *new)):
            yield from _compared(f"{name}.{key}" if name else key, old.get(key, _NOTHING), new.get(key, _NOTHING))
    elif name == "phase_history" and kinds == {list}:
        before, after = cast("list[dict[str, Any]]", logged), cast("list[dict[str, Any]]", filed)
        yield from _compared(name, _by_phase(before), _by_phase(after))
    else:
        yield f"{name}: the log says {_shown(logged)}, the file says {_shown(filed)}"


def _by_phase(history: list[dict[str, Any]]) -> dict[str, Any]:
    return {str(record["phase"]): record for record in history}


def _shown(value: object) -> str:
    if value is _NOTHING or value is None:
        return "nothing"
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return written if len(written) <= _SHOWN else written[: _SHOWN - 1] + "…"
