"""``sessions`` and ``session``: which sessions there are, and the record of one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from mcp_server.cli.asking import ask, pages
from mcp_server.cli.evidence_shown import ground_of
from mcp_server.cli.output import clean, complain, duration, facts, moment, print_json, say, table
from mcp_server.cli.parameters import AsJson, Ctx, SessionId

Only = Annotated[
    Literal["active", "paused", "completed", "failed"] | None, Parameter(help="Only sessions of this status.")
]
Number = Annotated[int | None, Parameter(help="Also show what this phase rests on.")]


def sessions(*, status: Only = None, json: AsJson = False, ctx: Ctx) -> int:
    """List the sessions of the project, newest first."""
    found: list[dict[str, Any]] = []
    corrupt: list[dict[str, Any]] = []
    for page in pages(ctx.engine, "list_sessions", status=status, limit=500):
        found += page["sessions"]
        corrupt = page["corrupt"]
    if json:
        print_json({"sessions": found, "corrupt": corrupt})
        return 0
    waiting = {one.view.session.session_id for one in ctx.engine.persons.pending()}
    rows = [
        (
            one["session_id"],
            one["status"] + _marks(one, waiting),
            f"{one['current_phase']} of {one['total_phases']}",
            one["target_file"],
            moment(one["last_updated"]),
        )
        for one in found
    ]
    if rows:
        spare = ("TARGET", "CHANGED", "PHASE", "STATUS")
        table(("SESSION", "STATUS", "PHASE", "TARGET", "CHANGED"), rows, spare=spare)
    elif status is not None or not corrupt:
        say("There are no sessions." if status is None else f"There are no {status} sessions.")
    for one in corrupt:
        remedy = f"pos-workflow verify {one['session_id']} looks at all of it."
        complain(f"{one['session_id']} cannot be trusted: {one['finding']}", remedy, "corrupt")
    return 0


def _marks(one: dict[str, Any], waiting: set[str]) -> str:
    overridden = ", ".join(map(str, one.get("overridden_phases", ())))
    marks = [f"overridden: {overridden}"] * bool(overridden)
    marks += ["stale"] * bool(one.get("stale")) + ["waits for a person"] * (one["session_id"] in waiting)
    return f" ({', '.join(marks)})" if marks else ""


def session(session_id: SessionId, /, *, phase: Number = None, json: AsJson = False, ctx: Ctx) -> int:
    """Show the record of a session: where it stands, what happened in each phase and on what basis it was passed.

    With `--phase` also what that phase rests on: its evidence, what the checks came to, and who let it go.
    """
    record: dict[str, Any] = {}
    history: list[dict[str, Any]] = []
    for page in pages(ctx.engine, "get_session", session_id=session_id):
        record = page["session"]
        history += record["phase_history"]
    record["phase_history"] = history
    state = ask(ctx.engine, "get_state", session_id=session_id)
    ground = None if phase is None else ground_of(ctx.engine, session_id, phase)
    if json:
        shown = ("progress_percent", "outstanding_evidence", "summary")
        told = {"session": record, **{name: state[name] for name in shown}}
        print_json(told if ground is None else {**told, "phase": ground.told(ctx.engine)})
        return 0
    _show(record)
    table(
        ("PHASE", "STATUS", "ATTEMPTS", "BASIS", "STARTED", "TOOK"),
        [
            (
                one["phase"],
                one["status"],
                one["attempt"],
                one.get("basis", ""),
                moment(one["started_at"]),
                duration(one.get("duration_seconds")),
            )
            for one in history
        ],
    )
    for one in history:
        if "decided_by" in one:
            say(f"Phase {one['phase']} was {_let_go(one)}")
    if ground is not None:
        say()
        ground.show(ctx.engine)
    say()
    say(state["summary"])
    if outstanding := state["outstanding_evidence"]:
        say(f"Evidence still to show: {', '.join(outstanding)}.")
    return 0


def _let_go(one: dict[str, Any]) -> str:
    decided = one["decided_by"]
    how = "overridden" if one.get("basis") == "overridden" else "approved"
    who = "authenticated" if decided["authenticated"] else "not authenticated"
    note = f": {decided['note']}" if "note" in decided else ""
    return f"{how} through {decided['channel'].replace('_', ' ')} on {moment(decided['at'])} ({who}){note}"


def _show(record: dict[str, Any]) -> None:
    pinned = record["definition"]
    moved_on = ", the one on disk is another by now" if pinned["moved_on"] else ""
    options = ", ".join(f"{name}={clean(value)}" for name, value in record["options"].items())
    gate = f", gate {record['gate']}" if record.get("gate") else ""
    definition = f"{record['workflow_type']} {pinned['version']}, {pinned['source']}{moved_on}"
    completed = f"{len(record['completed_phases'])} of {record['total_phases']} completed"
    skipped = sum(one["status"] == "skipped" for one in record["phase_history"])
    facts(
        [
            ("session", record["session_id"]),
            ("workflow", f"{pinned['name']} ({definition})"),
            ("target", record["target_file"]),
            ("status", f"{record['session_status']}{gate}"),
            ("phase", f"{record['current_phase']} ({completed}{f', {skipped} skipped' if skipped else ''})"),
            ("options", options or None),
            ("created", moment(record["created_at"])),
            ("changed", f"{moment(record['last_updated'])}, version {record['version']}"),
            ("paused", moment(record.get("paused_at")) or None),
            ("completed", moment(record.get("completed_at")) or None),
            ("imported", record.get("imported_from")),
            ("note", record.get("checkpoint_note")),
        ]
    )
    say()
