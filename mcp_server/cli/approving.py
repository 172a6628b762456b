"""``approve`` and ``reject``: a person's answer to a gate, after the person has been shown what it is about."""

from __future__ import annotations

from typing import Annotated, Final

from cyclopts import Parameter

from mcp_server.actions.attempts import message
from mcp_server.cli.context import Context
from mcp_server.cli.evidence_shown import show_checks, show_evidence
from mcp_server.cli.failures import CommandError, UsageError
from mcp_server.cli.output import complain, console, facts, moment, say, text
from mcp_server.cli.parameters import Ctx, OperatorFile, SessionId
from mcp_server.cli.person import confirm, require_person
from mcp_server.domain.checks import Approval
from mcp_server.domain.events import (
    AttemptsExhausted,
    GateBlocked,
    GateRefused,
    GateSentBack,
    WorkflowCompleted,
)
from mcp_server.domain.results import Checked
from mcp_server.domain.session import Evidence
from mcp_server.engine import Outcome, Standing
from mcp_server.engine.approvals import Asked

MAX_NOTE: Final = 2000
_LOOK_SECONDS: Final = 0.2

Note = Annotated[str | None, Parameter(help="What to say to it, for the record.")]
Output = Annotated[bool, Parameter(help="Also show the end of what the checks printed.")]


def approve(
    session_id: SessionId,
    /,
    *,
    note: Note = None,
    output: Output = False,
    operator_file: OperatorFile = None,
    ctx: Ctx,
) -> int:
    """Let the phase go that waits for a person. It shows what was submitted and checked, then asks.

    Where the files have changed since, or the question has lapsed, the checks are run again first. The answer holds for
    what was shown and for nothing else. Who gave it, when and how is recorded.
    """
    authority = require_person(ctx, operator_file)
    said = _note(note)
    asked = ctx.engine.persons.approvals.asked(session_id)
    _show(ctx, asked, output=output)
    if asked.stale is not None:
        asked = _checked_again(ctx, asked)
        _show(ctx, asked, output=output)
    confirm(f"Approve phase {asked.phase.number}?", "y", authority)
    outcome = ctx.engine.persons.approvals.approve(session_id, asked.under_way.run, authority, said)
    say(f"Phase {asked.phase.number} of {session_id} is approved; {_next(outcome)}.")
    return 0


def reject(
    session_id: SessionId,
    /,
    *,
    note: Note = None,
    output: Output = False,
    operator_file: OperatorFile = None,
    ctx: Ctx,
) -> int:
    """Refuse the phase that waits for a person. It shows what was submitted and checked, then asks.

    It counts as a refused attempt. The note is what the assistant is told to mend.
    """
    authority = require_person(ctx, operator_file)
    said = _note(note)
    asked = ctx.engine.persons.approvals.asked(session_id)
    _show(ctx, asked, output=output)
    if asked.stale is not None:
        complain(asked.stale, kind="note")
    confirm(f"Reject phase {asked.phase.number}?", "y", authority)
    outcome = ctx.engine.persons.approvals.reject(session_id, asked.under_way.run, authority, said)
    event = outcome.committed.event
    failed = isinstance(event, AttemptsExhausted)
    after = "the session has failed, its attempts are used up" if failed else "the assistant has to mend it"
    say(f"Phase {asked.phase.number} of {session_id} is rejected; {after}.")
    return 0


def _note(note: str | None) -> str | None:
    if note is not None and len(note) > MAX_NOTE:
        raise UsageError(f"The note has {len(note)} characters.", f"Give at most {MAX_NOTE}.")
    return (note or "").strip() or None


def _show(ctx: Context, asked: Asked, *, output: bool) -> None:
    session, gate, under_way = asked.session, asked.phase.gate, asked.under_way
    checked = under_way.checked or Checked()
    content = [f"{one.files} files{' (not all)' if one.partial else ''}, {one.digest[:12]}" for one in checked.contents]
    facts(
        [
            ("asked", (gate.approval or Approval()).question),
            ("session", f"{session.session_id}, on {session.target_file}"),
            ("phase", f"{asked.phase.number}, {asked.phase.title}, attempt {under_way.attempt}"),
            ("since", moment(under_way.asked_at)),
            ("until", moment(under_way.expires_at)),
            ("protected", ", ".join(gate.protected_paths) or None),
            ("content", "; ".join(content) or None),
        ]
    )
    say()
    show_evidence(ctx.engine, session.draft.evidence if session.draft else Evidence())
    show_checks(ctx.engine, checked, output=output)
    say()


def _checked_again(ctx: Context, asked: Asked) -> Asked:
    """The question anew, with the results of checks that were run again for it; CommandError when they did not pass."""
    session_id = asked.session.session_id
    if asked.untrusted is not None:
        raise CommandError(
            f"{asked.stale} Its checks have to be run again, and nobody has trusted them.",
            f"Look at them with pos-workflow trust --session {session_id}, then repeat the command.",
        )
    complain(f"{asked.stale} The checks are run again.", kind="note")
    standing = ctx.engine.persons.approvals.check_again(session_id)
    try:
        outcome = _waited(ctx, standing)
    finally:
        # Whoever presses Ctrl-C leaves no check behind.
        ctx.engine.close()
    event = outcome.committed.event if isinstance(outcome, Outcome) else None
    if isinstance(event, GateRefused | AttemptsExhausted | GateSentBack | GateBlocked):
        raise CommandError(message(event), "The assistant has to mend that and submit the phase again.")
    return ctx.engine.persons.approvals.asked(session_id)


def _waited(ctx: Context, standing: Standing) -> Outcome | Standing:
    running = standing.running
    out = console(stderr=True)
    if running is not None and out.is_terminal:
        with out.status("Checking …") as status:
            while not running.wait(_LOOK_SECONDS):
                progress = running.progress
                status.update(text(f"Checking … {progress.done} of {progress.total} {progress.said}"))
    elif running is not None:
        while not running.wait(_LOOK_SECONDS):
            pass
    return ctx.engine.attempt(standing.session.session_id, standing.begun)


def _next(outcome: Outcome) -> str:
    if isinstance(outcome.committed.event, WorkflowCompleted):
        return "that was the last one"
    return f"phase {outcome.committed.session.current_phase} is next"
