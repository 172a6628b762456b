"""``override``, ``repin`` and ``budget``: a way on for a session whose gate, definition or budget stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter

from mcp_server.actions.attempts import message
from mcp_server.cli.evidence_shown import show_evidence
from mcp_server.cli.failures import UsageError
from mcp_server.cli.output import facts, say, table
from mcp_server.cli.parameters import Ctx, OperatorFile, SessionId
from mcp_server.cli.person import confirm, require_person
from mcp_server.domain.budgeting import budget_of
from mcp_server.domain.checks import Budget
from mcp_server.domain.definition import Gate, Workflow
from mcp_server.domain.events import WorkflowOverridden
from mcp_server.domain.gates import required_names
from mcp_server.domain.session import Evidence, Session

MAX_REASON: Final = 2000

Reason = Annotated[str, Parameter(help="Why, for the session's record.")]


def override(session_id: SessionId, /, *, reason: Reason, operator_file: OperatorFile = None, ctx: Ctx) -> int:
    """Let the current phase of a session go although its gate did not. Only a person can: it asks.

    It works on an active or a failed session, unless the gate says that it is not to be overridden. The phase is shown
    as overridden, with the reason and who did it, wherever the session is shown.
    """
    authority = require_person(ctx, operator_file)
    why = _reason(reason)
    view = ctx.engine.view(session_id)
    session = view.session
    phase = ctx.engine.persons.require_overridable(session, session.current_phase)
    refusals = [one for one in ctx.engine.refusals(session_id) if one.phase == phase.number]
    facts(
        [
            ("session", f"{session_id}, on {session.target_file}"),
            ("phase", f"{phase.number}, {phase.title}, {session.record.attempt} attempts"),
            ("its gate", session.gate or session.session_status),
            ("said last", message(refusals[-1], 1000) if refusals else None),
            ("will happen", f"phase {phase.number} counts as overridden, and the session goes on"),
        ]
    )
    say()
    show_evidence(ctx.engine, session.draft.evidence if session.draft else Evidence())
    say()
    confirm(f"Override the gate of phase {phase.number}?", "override", authority)
    outcome = ctx.engine.persons.override(session_id, phase.number, authority, why)
    last = isinstance(outcome.committed.event, WorkflowOverridden)
    after = "that was the last one" if last else f"phase {outcome.committed.session.current_phase} is next"
    say(f"The gate of phase {phase.number} of {session_id} is overridden; {after}.")
    return 0


def repin(session_id: SessionId, /, *, reason: Reason, operator_file: OperatorFile = None, ctx: Ctx) -> int:
    """Have a session go on with the definition, and the plan, that are on disk now. Only a person can: it asks.

    It shows what differs. The phases that the session has been in have to be there as they were numbered. An attempt
    that is under way is ended.
    """
    authority = require_person(ctx, operator_file)
    why = _reason(reason)
    view = ctx.engine.view(session_id)
    pinned = view.session.definition
    found = ctx.engine.persons.on_disk(session_id)
    table(
        ("", "PINNED", "ON DISK"),
        [
            ("version", pinned.version, found.workflow.version),
            ("digest", pinned.digest[:12], found.digest[:12]),
            ("source", pinned.source, found.source),
            ("phases", _numbers(view.workflow), _numbers(found.workflow)),
        ],
    )
    for line in _differences(view.workflow, found.workflow):
        say(f"  {line}")
    confirm(f"Have {session_id} go on with the definition on disk?", "y", authority)
    ctx.engine.persons.repin(session_id, found.digest, authority, why)
    say(f"{session_id} goes on with version {found.workflow.version} ({found.digest[:12]}).")
    return 0


def budget(
    session_id: SessionId,
    /,
    *,
    tokens: Annotated[int | None, Parameter(help="How many tokens it may use in all.")] = None,
    cost: Annotated[float | None, Parameter(help="What it may cost in all, in USD.")] = None,
    minutes: Annotated[float | None, Parameter(help="How many minutes it may be active in all.")] = None,
    mode: Annotated[
        Literal["strict", "warn", "off"] | None,
        Parameter(help="Whether the gate refuses what is over the budget, it is only said, or nothing counts."),
    ] = None,
    reason: Reason,
    operator_file: OperatorFile = None,
    ctx: Ctx,
) -> int:
    """Give a session another budget. Only a person can: it shows what is used, then asks.

    What is not given stays as it is.
    """
    authority = require_person(ctx, operator_file)
    why = _reason(reason)
    given = {"max_tokens": tokens, "max_cost_usd": cost, "max_active_minutes": minutes, "mode": mode}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if not changes or not all(0 < value < inf for value in (tokens, cost, minutes) if value is not None):
        raise UsageError("A budget has limits above 0.", "Give --tokens, --cost, --minutes or --mode.")
    view = ctx.engine.view(session_id)
    before = budget_of(view.session, view.workflow) or Budget(mode="off")
    # Who names a limit where none counted wants it to count.
    if before.mode == "off" and mode is None:
        changes["mode"] = "warn"
    after = before.model_copy(update=changes)
    table(("", "USED", "LIMIT", "NEW LIMIT"), _limits(view.session, before, after, ctx.engine.now()))
    confirm("Change the budget?", "y", authority)
    ctx.engine.persons.set_budget(session_id, authority, changes, why)
    say(f"The budget of {session_id} is changed.")
    return 0


def _reason(reason: str) -> str:
    if not reason.strip() or len(reason) > MAX_REASON:
        raise UsageError(f"The reason has {len(reason)} characters.", f"Give between 1 and {MAX_REASON}.")
    return reason.strip()


def _limits(session: Session, before: Budget, after: Budget, now: Any) -> Iterator[tuple[str, ...]]:
    used = session.usage
    yield "tokens", str(used.tokens), _limit(before.max_tokens), _limit(after.max_tokens)
    yield "cost, USD", f"{used.cost_usd:.2f}", _limit(before.max_cost_usd), _limit(after.max_cost_usd)
    minutes = f"{session.active_seconds_at(now) / 60:.0f}"
    yield "minutes", minutes, _limit(before.max_active_minutes), _limit(after.max_active_minutes)
    yield "mode", "", before.mode, after.mode


def _limit(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:g}" if isinstance(limit, float) else str(limit)


def _numbers(workflow: Workflow) -> str:
    return ", ".join(map(str, workflow.numbers))


def _differences(pinned: Workflow, disk: Workflow) -> Iterator[str]:
    """What differs, phase by phase; of a gate its parts."""
    for number in sorted({*pinned.numbers, *disk.numbers}):
        before, after = pinned.phase(number), disk.phase(number)
        if before is None or after is None:
            yield f"phase {number} is {'new' if before is None else 'gone'}"
            continue
        if before.gate != after.gate:
            yield f"phase {number}: its gate is another{_parts(before.gate, after.gate)}"
        if before.model_copy(update={"gate": after.gate}) != after:
            yield f"phase {number}: what it says is another"


def _parts(before: Gate, after: Gate) -> str:
    """What a gate asks for now and did not, or did and does not any more."""
    old, new = set(_named(before)), set(_named(after))
    said = [f"asks for {name}" for name in sorted(new - old)] + [f"no longer for {name}" for name in sorted(old - new)]
    return f": {', '.join(said)}" if said else ""


def _named(gate: Gate) -> Iterator[str]:
    yield from required_names(gate)
    yield from (f"check {check.id}" for check in gate.checks)
    yield from (f"{glob} to be left alone" for glob in gate.protected_paths)
    if gate.approval is not None:
        yield "a person's approval"
